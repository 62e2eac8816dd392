// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

/// Which parts of what was only read this node keeps to give to others: a share of them, drawn by hash, so that each
/// node keeps others and the same ones every time (S0-18).
///
/// A part is a file, or ``partBytes`` of a longer one: whole pieces in every torrent. Raising the share adds parts, lowering
/// it takes some away.
public struct KeptShare: Equatable, Sendable {
    /// No piece is longer.
    public static let partBytes: Int64 = 16 << 20

    /// 0 keeps nothing, 1 everything.
    public var share: Double
    /// What sets this node's draw apart from those of others.
    public var salt: [UInt8]

    /// `share` outside 0 to 1 counts as the nearer end.
    public init(_ share: Double, salt: [UInt8]) {
        self.share = share
        self.salt = salt
    }

    var isEverything: Bool { share >= 1 }

    /// The ranges to keep of a file of `length` bytes.
    func ranges(of root: Digest256, length: Int64) -> ByteRanges {
        if isEverything { return ByteRanges(0..<length) }
        var kept = ByteRanges()
        for (number, start) in stride(from: 0, to: length, by: Int(Self.partBytes)).enumerated()
        where draw(root, UInt64(number)) < share {
            kept.insert(start..<min(start + Self.partBytes, length))
        }
        return kept
    }

    /// Evenly spread over 0 to 1.
    private func draw(_ root: Digest256, _ number: UInt64) -> Double {
        var bytes = salt + root.bytes
        bytes.append(bigEndian: number)
        let value = Hash.sha256(bytes).bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return Double(value >> 11) / Double(1 << 53)
    }
}
