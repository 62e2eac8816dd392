// SPDX-License-Identifier: Apache-2.0
public import Wire

/// One message of the peer wire protocol after the handshake: BEP 3, BEP 5 (port), BEP 6 (fast), BEP 10 (extended) and
/// BEP 52 (hashes). The payload of a piece message is never part of it: ``PeerMessageParser`` hands it out as ranges.
public enum PeerMessage: Equatable, Sendable {
    case keepAlive
    case choke
    case unchoke
    case interested
    case notInterested
    case have(UInt32)
    /// As received, spare bits included.
    case bitfield([UInt8])
    case request(BlockRange)
    case cancel(BlockRange)
    case port(UInt16)
    case suggest(UInt32)
    case haveAll
    case haveNone
    case reject(BlockRange)
    case allowedFast(UInt32)
    /// Id 0 is the extension handshake; others were agreed in it.
    case extended(id: UInt8, payload: [UInt8])
    case hashRequest(HashRequest)
    case hashes(HashRequest, [Digest256])
    case hashReject(HashRequest)
}

/// The first byte of each kind of message.
public enum PeerMessageID {
    /// BEP 3: requests will not be answered from now on.
    public static let choke: UInt8 = 0
    /// BEP 3: requests are answered from now on.
    public static let unchoke: UInt8 = 1
    /// BEP 3: the sender wants pieces that the receiver has.
    public static let interested: UInt8 = 2
    /// BEP 3: it does not, or not any more.
    public static let notInterested: UInt8 = 3
    /// BEP 3: one more piece, by its number.
    public static let have: UInt8 = 4
    /// BEP 3: all pieces that the sender has, a bit each; only as the first message.
    public static let bitfield: UInt8 = 5
    /// BEP 3: wants a block.
    public static let request: UInt8 = 6
    /// BEP 3: a block.
    public static let piece: UInt8 = 7
    /// BEP 3: wants the block no more.
    public static let cancel: UInt8 = 8
    /// BEP 5: the UDP port of the sender's DHT node.
    public static let port: UInt8 = 9
    /// BEP 6: a piece that the sender would like to be asked for.
    public static let suggest: UInt8 = 13
    /// BEP 6: in place of a bitfield of ones.
    public static let haveAll: UInt8 = 14
    /// BEP 6: in place of a bitfield of zeros.
    public static let haveNone: UInt8 = 15
    /// BEP 6: the block asked for will not come.
    public static let reject: UInt8 = 16
    /// BEP 6: a piece that may be asked for while choked.
    public static let allowedFast: UInt8 = 17
    /// BEP 10: the next byte says which extension's.
    public static let extended: UInt8 = 20
    /// BEP 52: wants hashes of a file's tree.
    public static let hashRequest: UInt8 = 21
    /// BEP 52: the hashes, with their proof.
    public static let hashes: UInt8 = 22
    /// BEP 52: the hashes asked for will not come.
    public static let hashReject: UInt8 = 23
}

extension PeerMessage {
    /// Of the fast extension (BEP 6).
    var isFast: Bool {
        switch self {
        case .haveAll, .haveNone, .suggest, .reject, .allowedFast: true
        default: false
        }
    }

    /// The message with its length before it.
    public var encoded: [UInt8] {
        var bytes: [UInt8] = []
        encode(into: &bytes)
        return bytes
    }

    /// Appends ``encoded``; several messages may leave in one buffer.
    public func encode(into bytes: inout [UInt8]) {
        switch self {
        case .keepAlive: bytes.append(bigEndian: UInt32(0))
        case .choke: bytes.appendHeader(PeerMessageID.choke, 0)
        case .unchoke: bytes.appendHeader(PeerMessageID.unchoke, 0)
        case .interested: bytes.appendHeader(PeerMessageID.interested, 0)
        case .notInterested: bytes.appendHeader(PeerMessageID.notInterested, 0)
        case .haveAll: bytes.appendHeader(PeerMessageID.haveAll, 0)
        case .haveNone: bytes.appendHeader(PeerMessageID.haveNone, 0)
        case .have(let piece): bytes.append(PeerMessageID.have, piece: piece)
        case .suggest(let piece): bytes.append(PeerMessageID.suggest, piece: piece)
        case .allowedFast(let piece): bytes.append(PeerMessageID.allowedFast, piece: piece)
        case .request(let block): bytes.append(PeerMessageID.request, block: block)
        case .cancel(let block): bytes.append(PeerMessageID.cancel, block: block)
        case .reject(let block): bytes.append(PeerMessageID.reject, block: block)
        case .hashRequest(let range): bytes.append(PeerMessageID.hashRequest, range: range, hashes: [])
        case .hashReject(let range): bytes.append(PeerMessageID.hashReject, range: range, hashes: [])
        case .hashes(let range, let hashes): bytes.append(PeerMessageID.hashes, range: range, hashes: hashes)
        case .bitfield(let bits):
            bytes.appendHeader(PeerMessageID.bitfield, bits.count)
            bytes += bits
        case .port(let port):
            bytes.appendHeader(PeerMessageID.port, 2)
            bytes.append(bigEndian: port)
        case .extended(let id, let payload):
            bytes.appendHeader(PeerMessageID.extended, 1 + payload.count)
            bytes.append(id)
            bytes += payload
        }
    }

    /// What stands before the payload of a piece message; see ``PieceHeader``.
    public static func encodePieceHeader(_ block: BlockRange, into bytes: inout [UInt8]) {
        bytes += PieceHeader(block).bytes
    }
}

extension [UInt8] {
    fileprivate mutating func appendHeader(_ id: UInt8, _ count: Int) {
        append(bigEndian: UInt32(count + 1))
        append(id)
    }

    fileprivate mutating func append(_ id: UInt8, piece: UInt32) {
        appendHeader(id, 4)
        append(bigEndian: piece)
    }

    fileprivate mutating func append(_ id: UInt8, block: BlockRange) {
        appendHeader(id, 12)
        append(bigEndian: block.piece)
        append(bigEndian: block.offset)
        append(bigEndian: block.length)
    }

    fileprivate mutating func append(_ id: UInt8, range: HashRequest, hashes: [Digest256]) {
        appendHeader(id, HashRequest.byteCount + hashes.count * Digest256.byteCount)
        append(range.piecesRoot)
        // Layers, indices and lengths of trees within our limits fit; what came from a peer came in 32 bits.
        append(bigEndian: UInt32(clamping: range.baseLayer))
        append(bigEndian: UInt32(clamping: range.index))
        append(bigEndian: UInt32(clamping: range.length))
        append(bigEndian: UInt32(clamping: range.proofLayers))
        for hash in hashes { append(hash) }
    }
}

extension HashRequest {
    /// In a message: the root and four numbers of 32 bits.
    static let byteCount = Digest256.byteCount + 16
}
