// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Answers that wait to be sent together: their bytes one behind the other, and where each goes.
///
/// Emptied it keeps its memory, so that answering allocates nothing. Bound: whoever fills it sends it when ``isFull``; it is
/// then of at most ``capacity`` datagrams of about a kilobyte.
public struct DatagramBatch: Sendable {
    /// One of them: it ends there in ``memory``, and begins where the one before ends.
    public struct Datagram: Sendable {
        /// Behind its last byte.
        public let end: Int
        /// Of the family of the socket that the batch is sent by.
        public let destination: Endpoint
    }

    /// As many as one system call takes.
    public static let capacity = 32

    /// What was written, and behind it room for more.
    public private(set) var memory: [UInt8] = []
    /// How many bytes of ``memory`` were written.
    public private(set) var count = 0
    /// In the order of their writing.
    public private(set) var datagrams: [Datagram] = []

    /// An empty one, without memory.
    public init() {}

    /// Nothing waits to be sent.
    public var isEmpty: Bool { datagrams.isEmpty }
    /// To be sent before anything more is written.
    public var isFull: Bool { datagrams.count >= Self.capacity }
    /// What was written, without the room behind it.
    public var bytes: ArraySlice<UInt8> { memory[..<count] }

    /// Forgets what was written and keeps the memory.
    public mutating func removeAll() {
        count = 0
        datagrams.removeAll(keepingCapacity: true)
    }

    /// What was written since the last one is a datagram.
    mutating func end(for destination: Endpoint) {
        datagrams.append(Datagram(end: count, destination: destination))
    }

    /// Takes back what was written behind the first `length` bytes.
    mutating func truncate(to length: Int) { count = min(count, length) }
}

// MARK: - Writing

// In words, and bounds are checked once for each: an answer is some forty words and three hundred bytes.
extension DatagramBatch {
    /// Makes room, and counts it as written.
    /// - Returns: where it begins.
    private mutating func extend(by length: Int) -> Int {
        let start = count
        count += length
        while count > memory.count { memory.append(contentsOf: repeatElement(0, count: max(512, memory.count))) }
        return start
    }

    mutating func append(_ bytes: [UInt8]) {
        let start = extend(by: bytes.count)
        memory.replaceSubrange(start..<count, with: bytes)
    }

    /// A part of another datagram.
    mutating func append(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        let start = extend(by: range.count)
        var room = memory.mutableSpan
        var index = range.lowerBound
        while index < range.upperBound {
            room[start + index - range.lowerBound] = bytes[index]
            index += 1
        }
    }

    mutating func append(byte: UInt8) {
        let start = extend(by: 1)
        memory[start] = byte
    }

    /// Bytes known when compiling.
    mutating func append(literal text: StaticString) {
        let start = extend(by: text.utf8CodeUnitCount)
        var room = memory.mutableSpan
        text.withUTF8Buffer { bytes in
            for index in bytes.indices { room[start + index] = unsafe bytes[index] }
        }
    }

    mutating func append(decimal value: Int) {
        var divisor = 1
        while value / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            append(byte: UInt8(truncatingIfNeeded: 0x30 + value / divisor % 10))
            divisor /= 10
        }
    }

    mutating func append(bigEndian word: UInt64) {
        write(8) { room, start in room.storeBytes(of: word.bigEndian, toByteOffset: start, as: UInt64.self) }
    }

    mutating func append(_ id: NodeID) {
        write(NodeID.byteCount) { room, start in Self.store(id, at: start, in: &room) }
    }

    mutating func append(compact endpoint: Endpoint) {
        write(endpoint.address.isV4 ? 6 : 18) { room, start in Self.store(endpoint, at: start, in: &room) }
    }

    /// Compact node info (BEP 5, BEP 32).
    mutating func append(compact contact: Contact) {
        write(NodeID.byteCount + (contact.endpoint.address.isV4 ? 6 : 18)) { room, start in
            Self.store(contact.id, at: start, in: &room)
            Self.store(contact.endpoint, at: start + NodeID.byteCount, in: &room)
        }
    }

    @inline(__always)
    private mutating func write(_ length: Int, _ body: (inout MutableRawSpan, Int) -> Void) {
        let start = extend(by: length)
        var room = memory.mutableSpan
        // SAFETY: whole integers only are stored in it, within bounds that the span itself checks.
        var raw = unsafe room.mutableBytes
        body(&raw, start)
    }

    mutating func append(_ value: some FixedBytes) {
        let start = extend(by: type(of: value).byteCount)
        var room = memory.mutableSpan
        var index = 0
        while index < type(of: value).byteCount {
            room[start + index] = value[index]
            index += 1
        }
    }

    private static func store(_ id: NodeID, at start: Int, in room: inout MutableRawSpan) {
        let (high, middle, low) = id.words
        room.storeBytes(of: high.bigEndian, toByteOffset: start, as: UInt64.self)
        room.storeBytes(of: middle.bigEndian, toByteOffset: start + 8, as: UInt64.self)
        room.storeBytes(of: low.bigEndian, toByteOffset: start + 16, as: UInt32.self)
    }

    private static func store(_ endpoint: Endpoint, at start: Int, in room: inout MutableRawSpan) {
        switch endpoint.address {
        case .v4(let value):
            room.storeBytes(of: value.bigEndian, toByteOffset: start, as: UInt32.self)
            room.storeBytes(of: endpoint.port.bigEndian, toByteOffset: start + 4, as: UInt16.self)
        case .v6(let high, let low):
            room.storeBytes(of: high.bigEndian, toByteOffset: start, as: UInt64.self)
            room.storeBytes(of: low.bigEndian, toByteOffset: start + 8, as: UInt64.self)
            room.storeBytes(of: endpoint.port.bigEndian, toByteOffset: start + 16, as: UInt16.self)
        }
    }
}
