// SPDX-License-Identifier: Apache-2.0

/// Which packets have arrived, in what order they are read, and how many bytes may still come.
///
/// Payload that came too early is kept by the owner of this value, under the key that it is given; at most
/// ``maximumPackets`` packets and the window's bytes.
struct UTPReceiveQueue: Sendable {
    /// Packets ahead of the one that is missing.
    static let maximumPackets = 8192
    /// Bytes of mask in an acknowledgement: what its length field can say, in words of four.
    static let maximumMaskBytes = 252

    enum Outcome: Equatable {
        /// It is the next one; so many held ones follow it.
        case next(held: Int)
        /// It came early and is to be kept.
        case held(key: UInt16)
        /// It is there already.
        case duplicate
        /// There is no room for it.
        case refused
    }

    /// Wire number of the packet that is read next.
    private(set) var expected: UInt16
    /// Payload bytes of held packets, by wire number modulo the size; 0 where none is. Empty while none was ever held.
    private var held: [UInt16] = []
    private(set) var heldCount = 0
    private(set) var heldBytes = 0
    /// How far the last held packet is ahead of `expected`.
    private var span = 0
    /// The wire number of the packet that ends the stream.
    private(set) var end: UInt16?
    /// Bytes that the reader has not taken.
    var unread = 0
    /// Bytes that may be held and unread.
    var capacity: Int

    init(expected: UInt16, capacity: Int) {
        self.expected = expected
        self.capacity = capacity
    }

    /// The wire number of the last packet before which nothing is missing.
    var acknowledged: UInt16 { expected &- 1 }
    var window: Int { max(0, capacity - heldBytes - unread) }
    /// Everything up to the end has been read.
    var isFinished: Bool { end.map { expected == $0 &+ 1 } ?? false }

    /// `room`: bytes that all connections together may still hold.
    mutating func receive(_ sequence: UInt16, count: Int, room: Int) -> Outcome {
        let distance = Int(Int16(bitPattern: sequence &- expected))
        guard distance >= 0 else { return .duplicate }
        // The one that all held ones wait for has its place, however many they are.
        let space = distance == 0 ? capacity - unread : window
        guard distance < Self.maximumPackets, count <= min(space, Int(UInt16.max)), !isPastEnd(sequence) else {
            return .refused
        }
        if distance == 0 {
            expected &+= 1
            span = max(0, span - 1)
            return .next(held: takeHeld())
        }
        guard count <= room, count > 0 else { return .refused }
        if held.isEmpty { held = Array(repeating: 0, count: Self.maximumPackets) }
        guard held[slot(sequence)] == 0 else { return .duplicate }
        held[slot(sequence)] = UInt16(count)
        heldCount += 1
        heldBytes += count
        span = max(span, distance)
        return .held(key: sequence)
    }

    private func slot(_ sequence: UInt16) -> Int { Int(sequence) & (Self.maximumPackets - 1) }

    private func isPastEnd(_ sequence: UInt16) -> Bool {
        guard let end else { return false }
        return Int16(bitPattern: sequence &- end) >= 0
    }

    private mutating func takeHeld() -> Int {
        var taken = 0
        while heldCount > 0, held[slot(expected)] != 0 {
            heldBytes -= Int(held[slot(expected)])
            held[slot(expected)] = 0
            heldCount -= 1
            expected &+= 1
            span = max(0, span - 1)
            taken += 1
        }
        finish()
        return taken
    }

    /// The stream ends with this packet; the first such packet counts.
    mutating func receiveEnd(_ sequence: UInt16) {
        let distance = Int(Int16(bitPattern: sequence &- expected))
        // An end before what is held would take back what has been acknowledged.
        guard end == nil, distance >= 0, distance < Self.maximumPackets, heldCount == 0 || distance > span else {
            return
        }
        end = sequence
        finish()
    }

    private mutating func finish() {
        if let end, expected == end { expected &+= 1 }
    }

    /// Appends the mask of held packets, in words of four bytes; nothing where none is held.
    ///
    /// - Returns: bytes appended.
    func appendMask(to bytes: inout [UInt8]) -> Int {
        guard heldCount > 0 else { return 0 }
        // The first bit is the packet behind the missing one.
        let count = min((span + 31) / 32 * 4, Self.maximumMaskBytes)
        for byte in 0..<count {
            var value: UInt8 = 0
            for bit in 0..<8 where byte * 8 + bit < span {
                if held[slot(expected &+ UInt16(1 + byte * 8 + bit))] != 0 { value |= 1 << UInt8(bit) }
            }
            bytes.append(value)
        }
        return count
    }
}
