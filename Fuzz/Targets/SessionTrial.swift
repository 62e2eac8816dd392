// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Keys
internal import Wire

/// One torrent session and what an input says happens to it: peers that dial in, what they send, time, disk.
///
/// Whatever they do, the session hashes nothing that it did not ask for and has no piece that was not verified.
struct SessionTrial: ~Copyable {
    private var session: TorrentSession
    private let torrent: Metainfo
    private var content: TorrentContent
    private var buffers: [Int: [UInt8]] = [:]
    private var connections: [ConnectionID] = []
    private var queue: [SessionAction] = []
    private var verified = Set<Int>()
    private var now = Duration.zero
    private var inFlight: [ConnectionID: Int] = [:]

    /// Bits of the choice: 3 for the torrent, 1 for a seed, 1 for a magnet.
    private init?(_ choice: UInt8) {
        torrent = FuzzTarget.samples[Int(choice & 7) % FuzzTarget.samples.count]
        guard let content = TorrentContent(torrent) else { return nil }
        self.content = content
        let isMagnet = choice & 16 != 0
        let isSeed = choice & 8 != 0 && !isMagnet
        var configuration = SessionConfiguration(peerID: Digest160([UInt8](repeating: 0xEE, count: 20)) ?? .zero)
        configuration.usesUTP = choice & 32 != 0
        configuration.superSeeds = choice & 64 != 0
        if isSeed { verified = Set(0..<content.pieceCount) }
        session = TorrentSession(
            infoHashes: torrent.infoHashes,
            content: isMagnet ? nil : content,
            infoDictionary: isMagnet ? nil : torrent.infoDictionary,
            have: isSeed ? Bitfield(allSet: content.pieceCount) : nil,
            configuration: configuration,
            seed: 1,
            now: .zero
        )
    }

    static func run(_ bytes: [UInt8]) throws {
        var input = FuzzInput(bytes)
        guard var trial = SessionTrial(input.byte()) else { return }
        for _ in 0..<64 where !input.isAtEnd { try trial.step(&input) }
        trial.perform(trial.session.stop(now: trial.now), [])
        try trial.settle()
    }

    private mutating func step(_ input: inout FuzzInput) throws {
        let kind = input.byte()
        let connection = connections.isEmpty ? ConnectionID.none : connections[Int(kind >> 4) % connections.count]
        switch kind % 8 {
        case 0: join(input.byte())
        case 1, 2, 3: receive(input.chunk(), connection)
        case 4:
            now += .milliseconds(Int(input.short()))
            perform(session.wake(now: now), [])
        case 5: perform(session.closed(connection, now: now), [])
        case 6: block(&input, connection)
        default: perform(session.sent(connection, bytes: inFlight.removeValue(forKey: connection) ?? 0, now: now), [])
        }
        try settle()
    }

    private mutating func join(_ choice: UInt8) {
        guard connections.count < 16, let hash = torrent.infoHashes.short.first else { return }
        let capabilities: Handshake.Capabilities = choice & 1 == 0 ? [.fast, .extensions, .v2] : [.extensions]
        let endpoint = Endpoint(.v4(0xCB00_7100 + UInt32(connections.count)), port: 1000 + UInt16(choice))
        let (id, actions) = session.accept(from: endpoint, capabilities: capabilities, hash: hash, now: now)
        perform(actions, [])
        guard let id else { return }
        connections.append(id)
        receive([UInt8](repeating: UInt8(connections.count), count: 20), id)
    }

    private mutating func receive(_ bytes: [UInt8], _ id: ConnectionID) {
        perform(session.receive(bytes.span, from: id, now: now), bytes)
    }

    /// A block that a fuzzer would not fill: right where its choice is even, of other bytes where it is odd.
    private mutating func block(_ input: inout FuzzInput, _ id: ConnectionID) {
        let choice = input.byte()
        let range = BlockRange(
            piece: UInt32(choice >> 1 & 7),
            offset: choice & 16 == 0 ? 0 : 16_384,
            length: choice & 32 == 0 ? 16_384 : UInt32(input.short())
        )
        var bytes: [UInt8] = []
        PeerMessage.encodePieceHeader(range, into: &bytes)
        let real = piece(Int(range.piece)).dropFirst(Int(range.offset)).prefix(Int(range.length))
        bytes +=
            choice & 1 == 0 && real.count == range.length
            ? Array(real) : [UInt8](repeating: 9, count: Int(range.length))
        receive(bytes, id)
    }

    /// The bytes of a piece of the sample, padding at its end left out.
    private func piece(_ number: Int) -> [UInt8] {
        guard let index = torrent.pieceMap.index(number) else { return [] }
        return torrent.pieceMap.segments(of: index).flatMap { segment in
            [UInt8](repeating: UInt8(torrent.files[..<segment.file].count { !$0.isPadding }), count: segment.length)
        }
    }

    private mutating func perform(_ actions: [SessionAction], _ input: [UInt8]) {
        for action in actions {
            switch action {
            case .copy(let piece, let length, let offset, let range):
                var buffer = buffers[Int(piece.raw)] ?? [UInt8](repeating: 0, count: length)
                buffer.replaceSubrange(offset..<offset + range.count, with: input[range])
                buffers[Int(piece.raw)] = buffer
            case .release(let piece): buffers[Int(piece.raw)] = nil
            case .send(let id, let bytes): inFlight[id, default: 0] += bytes.count
            case .sendBlock(let id, _, _, let range): inFlight[id, default: 0] += PieceHeader.byteCount + range.count
            default: queue.append(action)
            }
        }
    }

    /// Does what was asked of the driver, and what that leads to.
    private mutating func settle() throws {
        var turns = 0
        while let action = queue.first {
            queue.removeFirst()
            turns += 1
            try hold(turns < 10_000, "an input leads to an end")
            switch action {
            case .verify(let check): try verify(check)
            case .read(let id, let piece, _, _):
                try hold(verified.contains(Int(piece.raw)), "only verified pieces are read for others")
                perform(session.readFinished(id, succeeded: true, now: now), [])
            case .keep(_, let piece):
                try hold(verified.contains(Int(piece.raw)), "only verified pieces are kept for others")
            case .hashLeaves(let id, let pieces):
                let leaves = (pieces.lowerBound.raw..<pieces.upperBound.raw).flatMap { Self.digests(piece(Int($0))) }
                perform(session.leavesFinished(id, leaves, now: now), [])
            case .checkMetadata(let bytes): metadata(bytes)
            case .dial(let id, _, _): perform(session.closed(id, now: now), [])
            case .close(let id, _): connections.removeAll { $0 == id }
            default: break
            }
        }
        for piece in session.have.indices where session.have[piece] {
            try hold(verified.contains(piece), "a session has no piece that was not verified: \(piece)")
        }
    }

    private mutating func verify(_ check: PieceCheck) throws {
        let number = Int(check.piece.raw)
        let bytes = buffers.removeValue(forKey: number) ?? []
        try hold(bytes.count == check.dataLength, "a piece is whole when it is hashed")
        let isRight = bytes == piece(number)
        if isRight { verified.insert(number) }
        let digests = Self.digests(bytes)
        let outcome: PieceOutcome = isRight ? .stored(blockDigests: digests) : .mismatch(blockDigests: digests)
        perform(session.pieceFinished(check.piece, outcome, now: now), [])
    }

    private mutating func metadata(_ bytes: [UInt8]) {
        guard bytes == torrent.infoDictionary else { return perform(session.metadataRefused(now: now), []) }
        perform(session.metadataFinished(content, infoDictionary: bytes, now: now), [])
    }

    private static func digests(_ bytes: [UInt8]) -> [Digest256] {
        stride(from: 0, to: bytes.count, by: 16_384).map { Hash.sha256(bytes[$0..<min($0 + 16_384, bytes.count)]) }
    }

    // MARK: Samples

    static func samples() -> [[UInt8]] {
        let greeting = say(.haveAll) + say(.unchoke)
        let all = FuzzTarget.messages.flatMap { say($0) }
        let download: [UInt8] = greeting + [6, 0, 6, 16, 6, 2, 6, 18, 4, 0xFF, 0xFF]
        let bad: [UInt8] = greeting + [6, 1, 6, 17, 4, 0xFF, 0xFF, 4, 0xFF, 0xFF]
        var samples: [[UInt8]] = []
        for kind: UInt8 in 0..<3 {
            for mode: UInt8 in [0, 8, 16, 72] {
                for script in [all, download, bad] { samples.append([mode + kind, 0, 0] + script) }
            }
        }
        return samples
    }

    private static func say(_ message: PeerMessage) -> [UInt8] { [1] + FuzzInput.chunk(message.encoded) }
}
