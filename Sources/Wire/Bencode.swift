// SPDX-License-Identifier: Apache-2.0

/// Reads bencoding (BEP 3) from outside.
///
/// Memory: 20 bytes a value beside the input, at most ``Limits/values`` of them, and for a dictionary out of order a set of its
/// keys while they are checked; no recursion whatever the nesting.
public enum Bencode {
    /// How strict the order of dictionary keys is. In both modes a key that stands twice is refused.
    public enum Mode: Sendable {
        /// Keys must ascend: what we write, BEP 44 values, signed objects, the BEP 52 file tree.
        case strict
        /// Keys in any order: v1 metainfo, KRPC and extension messages, as other programs write them.
        case tolerant
    }

    /// What one input may cost. The defaults are for files on this disk: 32 MiB, nested as deep as paths of a torrent go.
    public struct Limits: Sendable {
        /// The largest input.
        public var bytes: Int
        /// The deepest nesting of lists and dictionaries. BEP 52 file trees nest two levels a path component.
        public var depth: Int
        /// The most values in one input, keys included.
        public var values: Int

        /// `bytes` must be below 4 GiB: tokens keep offsets in 32 bits.
        public init(bytes: Int = 32 << 20, depth: Int = 160, values: Int = 4_000_000) {
            precondition(bytes < Int(UInt32.max), "offsets are kept in 32 bits")
            self.bytes = bytes
            self.depth = depth
            self.values = values
        }

        /// For one datagram: 64 KiB, as deep as KRPC and its extensions go.
        public static let datagram = Limits(bytes: 65_536, depth: 16, values: 8192)
    }

    /// The one value that `bytes` holds.
    public static func parse(
        _ bytes: [UInt8],
        mode: Mode,
        limits: Limits = Limits()
    ) throws(BencodeError) -> BencodeNode {
        let (node, end) = try parsePrefix(bytes, mode: mode, limits: limits)
        guard end == bytes.count else { throw .trailingBytes(offset: end) }
        return node
    }

    /// The value at the start of `bytes`, and the offset after it: BEP 9 puts raw data behind a dictionary.
    public static func parsePrefix(
        _ bytes: [UInt8],
        mode: Mode,
        limits: Limits = Limits()
    ) throws(BencodeError) -> (node: BencodeNode, end: Int) {
        guard bytes.count <= limits.bytes else { throw .tooLarge(limit: limits.bytes) }
        var parser = BencodeParser(bytes: bytes, mode: mode, limits: limits)
        let end = try parser.parse()
        return (BencodeNode(bytes: bytes, tokens: parser.tokens, index: 0), end)
    }
}
