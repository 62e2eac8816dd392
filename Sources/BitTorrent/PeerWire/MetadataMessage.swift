// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// A message of `ut_metadata` (BEP 9): the info dictionary in portions of 16 KiB.
public enum MetadataMessage: Equatable, Sendable {
    /// All portions but the last have this many bytes.
    public static let portionBytes = 16_384
    private static let limits = Bencode.Limits(bytes: 131_072, depth: 4, values: 64)

    case request(piece: Int)
    case data(piece: Int, totalSize: Int, bytes: [UInt8])
    case reject(piece: Int)

    /// Nil for a kind that BEP 9 does not define, which is to be ignored.
    public static func parse(_ payload: [UInt8], id: UInt8) throws(PeerWireError) -> MetadataMessage? {
        guard let (node, end) = try? Bencode.parsePrefix(payload, mode: .tolerant, limits: limits),
            let kind = node["msg_type"]?.integer,
            let piece = node["piece"]?.integer.flatMap({ Int(exactly: $0) }), (0...1 << 16).contains(piece)
        else { throw .malformedExtension(id: id) }
        switch kind {
        case 0: return .request(piece: piece)
        case 2: return .reject(piece: piece)
        case 1:
            let size = node["total_size"]?.integer.flatMap { Int(exactly: $0) } ?? 0
            guard size >= 0, payload.count - end <= portionBytes else { throw .malformedExtension(id: id) }
            return .data(piece: piece, totalSize: size, bytes: Array(payload[end...]))
        default: return nil
        }
    }

    /// The payload behind the extension's number: a dictionary, and behind it the portion, where it brings one.
    public var encoded: [UInt8] {
        switch self {
        case .request(let piece): Self.header(0, piece).encoded
        case .reject(let piece): Self.header(2, piece).encoded
        case .data(let piece, let size, let bytes):
            (["msg_type": 1, "piece": .integer(Int64(piece)), "total_size": .integer(Int64(size))] as BencodeValue)
                .encoded + bytes
        }
    }

    private static func header(_ kind: Int64, _ piece: Int) -> BencodeValue {
        ["msg_type": .integer(kind), "piece": .integer(Int64(piece))]
    }
}
