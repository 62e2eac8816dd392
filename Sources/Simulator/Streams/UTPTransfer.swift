// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent

/// What one side of a connection sends and has got: bytes that follow from a key, which stand behind key and length.
struct UTPTransfer {
    static let headerBytes = 16

    /// Of what is sent: everybody's is another.
    let key: UInt64
    /// Bytes that are sent, header included.
    let length: Int
    let isDialled: Bool
    private(set) var received: Int64 = 0
    private var header: [UInt8] = []
    private var otherKey: UInt64 = 0
    /// Of what the other side sends; nil before it has said so.
    private(set) var otherLength: Int?
    /// Everything before it has arrived at the other side.
    var arrived: Int64 = 0
    var isClosed = false
    var lastProgress: VirtualTime
    /// What came early.
    var held: [UInt16: [UInt8]] = [:]

    init(key: UInt64, length: Int, isDialled: Bool, now: VirtualTime) {
        self.key = key
        self.length = max(length, Self.headerBytes)
        self.isDialled = isDialled
        lastProgress = now
    }

    /// Both directions are through.
    var isWhole: Bool { Int64(length) <= arrived && otherLength.map { Int64($0) <= received } ?? false }

    private static func byte(_ key: UInt64, _ offset: Int64) -> UInt8 {
        let mixed = (key ^ UInt64(bitPattern: offset)) &* 0x9E37_79B9_7F4A_7C15
        return UInt8(truncatingIfNeeded: mixed >> 40)
    }

    private var ownHeader: [UInt8] { Self.bytes(key) + Self.bytes(UInt64(length)) }

    private static func bytes(_ word: UInt64) -> [UInt8] {
        stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> UInt64($0)) }
    }

    private static func word(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }

    /// A stretch of what is sent.
    func bytes(_ offset: Int64, _ count: Int) -> [UInt8] {
        let header = ownHeader
        return (offset..<offset + Int64(count)).map { $0 < header.count ? header[Int($0)] : Self.byte(key, $0) }
    }

    /// The next bytes; false where they are not those that were sent.
    mutating func take(_ bytes: ArraySlice<UInt8>, now: VirtualTime) -> Bool {
        lastProgress = now
        for byte in bytes {
            if received < Self.headerBytes {
                header.append(byte)
                if header.count == Self.headerBytes {
                    otherKey = Self.word(header[0..<8])
                    otherLength = Int(clamping: Self.word(header[8..<16]))
                }
            } else if byte != Self.byte(otherKey, received) {
                return false
            }
            received += 1
        }
        return received <= Int64(otherLength ?? .max)
    }
}
