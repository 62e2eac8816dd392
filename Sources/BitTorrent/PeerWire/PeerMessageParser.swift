// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Cuts the bytes of one connection into messages, in whatever portions they come.
///
/// The payload of a piece is not collected: it is handed out as ranges of the portion at hand, for the driver to copy
/// once, to its place. Everything else is collected up to its limit. Memory: the longest message that is not a piece,
/// at most ``Limits/bitfieldBytes`` or 128 KiB.
public struct PeerMessageParser: Sendable {
    /// The longest messages that are taken; a longer one ends the connection.
    public struct Limits: Sendable {
        /// The longest block in a piece message, or asked for in a request: 128 KiB, as other clients allow.
        public static let blockBytes = 131_072
        /// The most hashes that we ask for, and their proof.
        public static let hashesBytes = HashRequest.byteCount + (HashRequest.maximumLength + Merkle.maximumHeight) * 32
        /// For extension messages, and for kinds that we do not know and skip.
        public static let extendedBytes = 131_072

        /// The longest bitfield: for as many pieces as the torrent has, or as it may have while that is not known.
        public var bitfieldBytes: Int
        /// In bytes: an eighth of the pieces, rounded up.
        public init(bitfieldBytes: Int) { self.bitfieldBytes = bitfieldBytes }
    }

    /// What the bytes at hand bring.
    public enum Event: Equatable, Sendable {
        case message(PeerMessage)
        /// A piece message starts; its bytes follow as ``payload(_:)``. A length of 0 has none.
        case block(BlockRange)
        /// The next bytes of the block, as a range of the portion given.
        case payload(Range<Int>)
    }

    private enum State {
        /// Length and id, as far as they have come.
        case header
        /// The rest of a message of `length` bytes (id included).
        case body(id: UInt8, length: Int)
        case payload(remaining: Int)
        /// A kind that we do not know.
        case skip(remaining: Int)
    }

    /// May change between messages: with the metadata comes the number of pieces.
    public var limits: Limits
    private var state = State.header
    private var collected: [UInt8] = []

    /// At the first byte behind the handshake.
    public init(limits: Limits) {
        self.limits = limits
    }

    /// The next event in `input` from `offset` on, which moves behind what was used; nil when more bytes are needed.
    ///
    /// - Throws: ``PeerWireError``; the connection is of no use after it.
    public mutating func next(
        _ input: Span<UInt8>,
        offset: inout Int
    ) throws(PeerWireError) -> Event? {
        while true {
            switch state {
            case .header:
                if let event = wholeMessage(input, &offset) { return event }
                guard try readHeader(input, &offset) else { return nil }
                if case .header = state { return .message(.keepAlive) }
            case .body(PeerMessageID.piece, let length):
                guard let body = collect(8, input, &offset) else { return nil }
                let payload = length - 9
                state = payload > 0 ? .payload(remaining: payload) : .header
                var reader = ByteReader(body)
                guard let piece = reader.read(UInt32.self), let start = reader.read(UInt32.self) else { return nil }
                return .block(BlockRange(piece: piece, offset: start, length: UInt32(payload)))
            case .body(let id, let length):
                guard let body = collect(length - 1, input, &offset) else { return nil }
                state = .header
                return .message(try Self.decode(id, body))
            case .payload(let remaining):
                guard let range = take(remaining, input, &offset) else { return nil }
                state = range.count == remaining ? .header : .payload(remaining: remaining - range.count)
                return .payload(range)
            case .skip(0): state = .header
            case .skip(let remaining):
                guard let range = take(remaining, input, &offset) else { return nil }
                state = .skip(remaining: remaining - range.count)
            }
        }
    }

    /// The kinds that come for every block, where they lie in the input as a whole, as nearly all do: nothing is collected
    /// for them. A wrong length is refused by the way that all other messages go.
    private mutating func wholeMessage(_ input: Span<UInt8>, _ offset: inout Int) -> Event? {
        guard collected.isEmpty, input.count - offset >= 13 else { return nil }
        let length = Self.integer(input, offset)
        switch input[offset + 4] {
        case PeerMessageID.piece: return pieceHeader(length, input, &offset)
        case PeerMessageID.request where length == 13: return block(input, &offset).map { .message(.request($0)) }
        case PeerMessageID.cancel where length == 13: return block(input, &offset).map { .message(.cancel($0)) }
        case PeerMessageID.reject where length == 13: return block(input, &offset).map { .message(.reject($0)) }
        case PeerMessageID.have where length == 5:
            defer { offset += 9 }
            return .message(.have(Self.integer(input, offset + 5)))
        default: return nil
        }
    }

    private mutating func pieceHeader(_ length: UInt32, _ input: Span<UInt8>, _ offset: inout Int) -> Event? {
        guard length > 9, length - 9 <= Limits.blockBytes else { return nil }
        let block = BlockRange(
            piece: Self.integer(input, offset + 5),
            offset: Self.integer(input, offset + 9),
            length: length - 9
        )
        offset += PieceHeader.byteCount
        state = .payload(remaining: Int(length) - 9)
        return .block(block)
    }

    private func block(_ input: Span<UInt8>, _ offset: inout Int) -> BlockRange? {
        guard input.count - offset >= 17 else { return nil }
        defer { offset += 17 }
        return BlockRange(
            piece: Self.integer(input, offset + 5),
            offset: Self.integer(input, offset + 9),
            length: Self.integer(input, offset + 13)
        )
    }

    private static func integer(_ input: Span<UInt8>, _ offset: Int) -> UInt32 {
        let (high, low) = (
            UInt32(input[offset]) << 8 | UInt32(input[offset + 1]),
            UInt32(input[offset + 2]) << 8 | UInt32(input[offset + 3])
        )
        return high << 16 | low
    }

    private func take(_ count: Int, _ input: Span<UInt8>, _ offset: inout Int) -> Range<Int>? {
        let taken = min(count, input.count - offset)
        guard taken > 0 else { return nil }
        defer { offset += taken }
        return offset..<offset + taken
    }

    /// `count` bytes, once they are all there.
    private mutating func collect(_ count: Int, _ input: Span<UInt8>, _ offset: inout Int) -> [UInt8]? {
        let missing = min(count - collected.count, input.count - offset)
        for index in offset..<offset + missing { collected.append(input[index]) }
        offset += missing
        guard collected.count == count else { return nil }
        defer { collected.removeAll(keepingCapacity: count <= 64) }
        return collected
    }

    /// False while bytes are missing. A keep-alive leaves the state as it was.
    private mutating func readHeader(_ input: Span<UInt8>, _ offset: inout Int) throws(PeerWireError) -> Bool {
        while collected.count < 5 {
            if collected.count == 4, collected.allSatisfy({ $0 == 0 }) {
                collected.removeAll(keepingCapacity: true)
                return true
            }
            guard offset < input.count else { return false }
            collected.append(input[offset])
            offset += 1
        }
        let length = collected.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let id = collected[4]
        collected.removeAll(keepingCapacity: true)
        try begin(id, length)
        return true
    }

    private mutating func begin(_ id: UInt8, _ length: UInt32) throws(PeerWireError) {
        guard let (minimum, maximum) = bounds(of: id) else {
            guard length <= Limits.extendedBytes else { throw .messageTooLong(id: id, length: length) }
            state = .skip(remaining: Int(length) - 1)
            return
        }
        guard length <= maximum + 1 else { throw .messageTooLong(id: id, length: length) }
        guard length >= minimum + 1 else { throw .malformed(id: id, length: length) }
        state = .body(id: id, length: Int(length))
    }

    /// The fewest and most bytes after the id; nil for kinds that we do not know.
    private func bounds(of id: UInt8) -> (minimum: Int, maximum: Int)? {
        switch id {
        case PeerMessageID.choke...PeerMessageID.notInterested, PeerMessageID.haveAll, PeerMessageID.haveNone: (0, 0)
        case PeerMessageID.have, PeerMessageID.suggest, PeerMessageID.allowedFast: (4, 4)
        case PeerMessageID.bitfield: (0, limits.bitfieldBytes)
        case PeerMessageID.request, PeerMessageID.cancel, PeerMessageID.reject: (12, 12)
        case PeerMessageID.piece: (8, 8 + Limits.blockBytes)
        case PeerMessageID.port: (2, 2)
        case PeerMessageID.extended: (1, Limits.extendedBytes)
        case PeerMessageID.hashRequest, PeerMessageID.hashReject: (HashRequest.byteCount, HashRequest.byteCount)
        case PeerMessageID.hashes: (HashRequest.byteCount, Limits.hashesBytes)
        default: nil
        }
    }

    private static func decode(_ id: UInt8, _ body: [UInt8]) throws(PeerWireError) -> PeerMessage {
        var reader = ByteReader(body)
        switch id {
        case PeerMessageID.choke: return .choke
        case PeerMessageID.unchoke: return .unchoke
        case PeerMessageID.interested: return .interested
        case PeerMessageID.notInterested: return .notInterested
        case PeerMessageID.haveAll: return .haveAll
        case PeerMessageID.haveNone: return .haveNone
        case PeerMessageID.bitfield: return .bitfield(body)
        case PeerMessageID.have: if let piece = reader.read(UInt32.self) { return .have(piece) }
        case PeerMessageID.suggest: if let piece = reader.read(UInt32.self) { return .suggest(piece) }
        case PeerMessageID.allowedFast: if let piece = reader.read(UInt32.self) { return .allowedFast(piece) }
        case PeerMessageID.port: if let port = reader.read(UInt16.self) { return .port(port) }
        case PeerMessageID.request: if let block = reader.readBlock() { return .request(block) }
        case PeerMessageID.cancel: if let block = reader.readBlock() { return .cancel(block) }
        case PeerMessageID.reject: if let block = reader.readBlock() { return .reject(block) }
        case PeerMessageID.extended:
            if let kind = reader.read(UInt8.self) { return .extended(id: kind, payload: Array(reader.remaining)) }
        case PeerMessageID.hashRequest: if let range = reader.readHashRequest() { return .hashRequest(range) }
        case PeerMessageID.hashReject: if let range = reader.readHashRequest() { return .hashReject(range) }
        case PeerMessageID.hashes:
            if let range = reader.readHashRequest(), let hashes = reader.readHashes() { return .hashes(range, hashes) }
        default: break
        }
        throw .malformed(id: id, length: UInt32(body.count + 1))
    }
}

extension ByteReader {
    fileprivate mutating func readBlock() -> BlockRange? {
        guard let piece = read(UInt32.self), let offset = read(UInt32.self), let length = read(UInt32.self) else {
            return nil
        }
        return BlockRange(piece: piece, offset: offset, length: length)
    }

    fileprivate mutating func readHashRequest() -> HashRequest? {
        guard let root = read(Digest256.self), let base = read(UInt32.self), let index = read(UInt32.self),
            let length = read(UInt32.self), let proof = read(UInt32.self)
        else { return nil }
        return HashRequest(
            piecesRoot: root,
            baseLayer: Int(base),
            index: Int(index),
            length: Int(length),
            proofLayers: Int(proof)
        )
    }

    fileprivate mutating func readHashes() -> [Digest256]? {
        guard remaining.count.isMultiple(of: Digest256.byteCount) else { return nil }
        var hashes: [Digest256] = []
        hashes.reserveCapacity(remaining.count / Digest256.byteCount)
        while let hash = read(Digest256.self) { hashes.append(hash) }
        return hashes
    }
}
