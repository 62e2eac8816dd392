// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Keys
import Wire

/// A session with its disk and buffers in memory, without time or sockets of its own.
final class SimulatedPeer {
    let address: Endpoint
    var session: TorrentSession
    private(set) var content: TorrentContent?
    /// Verified pieces.
    private(set) var disk: [Int: [UInt8]] = [:]
    private(set) var events: [SessionEvent] = []
    /// What web seeds were asked for.
    var fetches: [(id: ConnectionID, pieces: Range<PieceIndex>)] = []
    private(set) var closings: [CloseReason] = []
    private(set) var reads = 0
    /// The most blocks that were asked of this peer at one time.
    private(set) var mostReadsAtOnce = 0
    private(set) var blocksSent = 0
    /// Reads whose bytes are still held.
    var cachedReads: Int { cache.count }
    /// Pieces that were kept in memory to be sent.
    private(set) var kept = 0
    /// Pieces in the order in which they were verified.
    private(set) var order: [Int] = []
    private var buffers: [Int: [UInt8]] = [:]
    private var cache: [ReadID: [UInt8]] = [:]
    private var checks: [PieceCheck] = []
    private var pendingReads: [(ReadID, Int, Int, Int)] = []
    private var pendingLeaves: [(ReadID, Range<PieceIndex>)] = []
    private var metadata: [UInt8]?
    private(set) var wake: Duration?

    /// What is to be sent by connection, since it was last taken.
    var outgoing: [ConnectionID: [UInt8]] = [:]
    var dials: [(ConnectionID, Endpoint)] = []
    var routes: [DialRoute] = []
    var closed: [ConnectionID] = []
    /// Changes blocks on their way out: the liar's tool.
    var corrupt: ((_ piece: Int, _ bytes: [UInt8]) -> [UInt8])?
    var now = Duration.zero
    /// What is on disk when the metadata comes.
    var found: Bitfield?

    init(
        _ number: UInt32,
        _ sample: SampleContent,
        isSeed: Bool,
        hasMetadata: Bool = true,
        holding pieces: Set<Int> = [],
        content given: TorrentContent? = nil,
        limits: SessionLimits = SessionLimits(),
        adjust: (inout SessionConfiguration) -> Void = { _ in }
    ) {
        address = Endpoint(.v4(0x0A00_0000 + number), port: 6881)
        var id = Array("-RO0100-".utf8)
        while id.count < 20 { id.append(UInt8(truncatingIfNeeded: number)) }
        var configuration = SessionConfiguration(peerID: Digest160(id) ?? .zero)
        adjust(&configuration)
        content = hasMetadata ? given ?? sample.content : nil
        let held = isSeed ? Set(0..<sample.pieceCount) : pieces
        var have = Bitfield(count: sample.pieceCount)
        for piece in held { have[piece] = true }
        session = TorrentSession(
            infoHashes: sample.metainfo.infoHashes,
            content: content,
            infoDictionary: hasMetadata ? sample.metainfo.infoDictionary : nil,
            have: held.isEmpty ? nil : have,
            configuration: configuration,
            limits: limits,
            seed: UInt64(number),
            now: .zero
        )
        for piece in held { disk[piece] = sample.piece(piece) }
    }

    /// Of a sparse torrent.
    init(_ number: UInt32, sparse sample: SampleContent) {
        address = Endpoint(.v4(0x0A00_0000 + number), port: 6881)
        var configuration = SessionConfiguration(peerID: Digest160(Array(repeating: UInt8(number), count: 20)) ?? .zero)
        configuration.wantsEverything = false
        content = TorrentContent(sparsePieceLength: sample.metainfo.pieceLength, pieceCount: sample.pieceCount)
        session = TorrentSession(
            infoHashes: InfoHashes(v2: sample.metainfo.infoHashes.v2),
            content: content,
            configuration: configuration,
            seed: UInt64(number),
            now: .zero
        )
    }

    /// The disk loses a piece; the session is not told.
    func damage(_ piece: Int) { disk[piece] = nil }

    /// Every byte on the disk changes.
    func rot() { for (piece, bytes) in disk { disk[piece] = bytes.map { $0 ^ 2 } } }

    // MARK: Events

    func update(_ change: (inout TorrentSession, Duration) -> [SessionAction]) {
        perform(change(&session, now), [])
    }

    func receive(_ bytes: [UInt8], on connection: ConnectionID) {
        perform(session.receive(bytes.span, from: connection, now: now), bytes)
    }

    func addWebSeed() -> ConnectionID? { session.addWebSeed() }

    func receive(_ bytes: [UInt8], fromWebSeed id: ConnectionID) {
        perform(session.receive(fromWebSeed: id, count: bytes.count, now: now), bytes)
    }

    func accept(_ bytes: [UInt8], from endpoint: Endpoint) -> ConnectionID? {
        guard let (capabilities, hash) = try? Handshake.parsePrefix(bytes[...]) else { return nil }
        let (id, actions) = session.accept(from: endpoint, capabilities: capabilities, hash: hash, now: now)
        perform(actions, [])
        if let id { receive(Array(bytes.dropFirst(Handshake.prefixByteCount)), on: id) }
        return id
    }

    /// Does what was put off: hashing, reading, time.
    func work() {
        if let time = wake, time <= now {
            wake = nil
            update { $0.wake(now: $1) }
        }
        let checks = checks
        self.checks = []
        for check in checks { finish(check) }
        let reads = pendingReads
        mostReadsAtOnce = max(mostReadsAtOnce, reads.count)
        pendingReads = []
        for (id, piece, offset, length) in reads { finishRead(id, piece, offset, length) }
        let leaves = pendingLeaves
        pendingLeaves = []
        for (id, pieces) in leaves {
            let digests = (pieces.lowerBound.raw..<pieces.upperBound.raw).flatMap { Self.digests(disk[Int($0)] ?? []) }
            update { $0.leavesFinished(id, digests, now: $1) }
        }
        if let bytes = metadata {
            metadata = nil
            checkMetadata(bytes)
        }
    }

    func sent(_ bytes: Int, on connection: ConnectionID) {
        update { $0.sent(connection, bytes: bytes, now: $1) }
    }

    // MARK: Actions

    private func perform(_ actions: [SessionAction], _ input: [UInt8]) {
        for action in actions { perform(action, input) }
    }

    private func perform(_ action: SessionAction, _ input: [UInt8]) {
        switch action {
        case .dial(let id, let endpoint, let route):
            dials.append((id, endpoint))
            routes.append(route)
        case .send(let id, let bytes): outgoing[id, default: []] += bytes
        case .sendBlock(let id, let header, let read, let range):
            blocksSent += 1
            outgoing[id, default: []] += header.bytes + Array(cache[read]?[range] ?? [])
        case .copy(let piece, let length, let offset, let range):
            var buffer = buffers[Int(piece.raw)] ?? Array(repeating: 0, count: length)
            buffer.replaceSubrange(offset..<offset + range.count, with: input[range])
            buffers[Int(piece.raw)] = buffer
        case .release(let piece): buffers[Int(piece.raw)] = nil
        case .verify(let check): checks.append(check)
        case .read(let id, let piece, let offset, let length):
            reads += 1
            pendingReads.append((id, Int(piece.raw), offset, length))
        case .hashLeaves(let id, let pieces): pendingLeaves.append((id, pieces))
        case .keep(let id, let piece):
            kept += 1
            let bytes = disk[Int(piece.raw)] ?? []
            cache[id] = corrupt?(Int(piece.raw), bytes) ?? bytes
        case .releaseRead(let id): cache[id] = nil
        case .checkMetadata(let bytes): metadata = bytes
        case .fetch(let id, let pieces): fetches.append((id, pieces))
        case .close(let id, let reason):
            closings.append(reason)
            closed.append(id)
        case .wake(let time): wake = time
        case .event(let event): events.append(event)
        }
    }

    private func finish(_ check: PieceCheck) {
        let piece = Int(check.piece.raw)
        let bytes = buffers.removeValue(forKey: piece) ?? []
        let digests = Self.digests(bytes)
        let padded = bytes + Array(repeating: 0, count: check.paddedLength - bytes.count)
        let isRight =
            (check.v1.map { $0 == Hash.sha1(padded) } ?? true)
            && (check.v2.map { $0 == Merkle.root(of: bytes, height: check.v2Height) } ?? true)
        if isRight {
            disk[piece] = bytes
            order.append(piece)
        }
        let outcome: PieceOutcome = isRight ? .stored(blockDigests: digests) : .mismatch(blockDigests: digests)
        update { $0.pieceFinished(check.piece, outcome, now: $1) }
    }

    private static func digests(_ bytes: [UInt8]) -> [Digest256] {
        stride(from: 0, to: bytes.count, by: 16_384).map { Hash.sha256(bytes[$0..<min($0 + 16_384, bytes.count)]) }
    }

    /// A piece that the disk takes and does not give back.
    var unreadable: Int?

    private func finishRead(_ id: ReadID, _ piece: Int, _ offset: Int, _ length: Int) {
        if var bytes = disk[piece] {
            bytes = corrupt?(piece, bytes) ?? bytes
            bytes += Array(repeating: 0, count: max(0, offset + length - bytes.count))
            cache[id] = Array(bytes[offset..<offset + length])
        }
        update { $0.readFinished(id, succeeded: disk[piece] != nil && piece != unreadable, now: $1) }
    }

    private func checkMetadata(_ bytes: [UInt8]) {
        guard let metainfo = try? Metainfo(infoDictionary: bytes), let content = TorrentContent(metainfo),
            metainfo.infoHashes.short.contains(where: { session.infoHashes.matches($0) })
        else { return update { $0.metadataRefused(now: $1) } }
        self.content = content
        let found = found
        update { $0.metadataFinished(content, infoDictionary: bytes, have: found, now: $1) }
    }
}
