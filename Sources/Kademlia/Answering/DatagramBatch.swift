// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Answers that wait to be sent together: their bytes one behind the other, and where each goes.
///
/// Emptied it keeps its memory, so that answering allocates nothing. Bound: whoever fills it sends it when ``isFull``; it is
/// then of at most ``capacity`` datagrams of about a kilobyte.
public struct DatagramBatch: Sendable {
    public struct Datagram: Sendable {
        public let end: Int
        public let destination: Endpoint
    }

    public static let capacity = 32

    public internal(set) var bytes: [UInt8] = []
    public private(set) var datagrams: [Datagram] = []

    public init() {}

    public var isEmpty: Bool { datagrams.isEmpty }
    public var isFull: Bool { datagrams.count >= Self.capacity }

    public mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        datagrams.removeAll(keepingCapacity: true)
    }

    /// What was appended to ``bytes`` since the last one is a datagram.
    mutating func end(for destination: Endpoint) {
        datagrams.append(Datagram(end: bytes.count, destination: destination))
    }
}

extension [UInt8] {
    /// Bytes known when compiling.
    mutating func append(literal text: StaticString) {
        text.withUTF8Buffer { unsafe append(contentsOf: $0) }
    }

    mutating func append(decimal value: Int) {
        var divisor = 1
        while value / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            append(UInt8(truncatingIfNeeded: 0x30 + value / divisor % 10))
            divisor /= 10
        }
    }

    mutating func append(compact endpoint: Endpoint) {
        switch endpoint.address {
        case .v4(let value): append(bigEndian: value)
        case .v6(let high, let low):
            append(bigEndian: high)
            append(bigEndian: low)
        }
        append(bigEndian: endpoint.port)
    }
}
