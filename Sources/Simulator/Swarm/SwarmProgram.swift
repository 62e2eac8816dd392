// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Keys
internal import Wire

/// A host's torrent session, with the host's line, clock and a disk of verified pieces.
final class SwarmProgram: StreamProgram {
    let host: Host
    let torrent: SimulatedTorrent
    let wrong: SwarmWrong
    var session: TorrentSession
    /// What is on its disk; outlives the program.
    let disk: SwarmDisk
    private(set) var streams: [ConnectionID: StreamEnd] = [:]
    private var buffers: [Int: [UInt8]] = [:]
    private var cache: [ReadID: [UInt8]] = [:]
    private var completedAt: VirtualTime?
    private(set) var bannedCount = 0
    var onBan: ((Endpoint) -> Void)?
    /// Of blocks, to all peers together.
    private(set) var givenBytes = 0
    private let startedAt: VirtualTime
    /// Reads that failed.
    var failedReads = 0
    /// What was offered, and how often the disk had changed, when that was last compared.
    var checked: (pieces: Bitfield, changes: Int)
    /// Events since the start, and of how many one is followed by a look at the queues.
    var touches = 0
    var queuesEvery = 1
    var flood = SwarmFlood()

    init(
        on host: Host,
        _ torrent: SimulatedTorrent,
        disk: SwarmDisk,
        wrong: SwarmWrong = .none,
        defect: SessionDefect? = nil,
        tellsName: Bool = false,
        random: inout RandomStream
    ) {
        self.host = host
        self.torrent = torrent
        self.disk = disk
        self.wrong = wrong
        startedAt = host.world.now
        var configuration = SessionConfiguration(peerID: Digest160(random.bytes(20)) ?? .zero)
        configuration.listenPort = host.endpoint.port
        configuration.defect = defect
        if tellsName { configuration.client += " of " + String(decoding: host.userName, as: UTF8.self) }
        checked = (Bitfield(count: torrent.pieces.count), disk.changes)
        var have = Bitfield(count: torrent.pieces.count)
        for piece in disk.acknowledged.sorted() { have[piece] = true }
        session = TorrentSession(
            infoHashes: torrent.infoHashes,
            content: torrent.content,
            have: have,
            configuration: configuration,
            seed: random.next(),
            now: host.now
        )
    }

    var isComplete: Bool { session.isComplete }
    /// How long it took from its start to the last piece; nil while it is not complete.
    var timeToWhole: Duration? { completedAt.map { $0 - startedAt } }

    func add(_ peers: [Endpoint], source: PeerSource) {
        perform(session.add(peers: peers, source: source, now: host.now), [])
    }

    // MARK: - Events

    func receive(_ datagram: [UInt8], from source: Endpoint) {}

    func wake() { perform(session.wake(now: host.now), []) }

    func accepted(_ stream: StreamEnd) {
        var prefix: [UInt8] = []
        var id: ConnectionID?
        attach(stream) { [weak self, weak stream] bytes in
            guard let self, let stream else { return }
            if let id { return received(bytes, on: id) }
            prefix += bytes
            guard prefix.count >= Handshake.prefixByteCount else { return }
            guard let (capabilities, hash) = try? Handshake.parsePrefix(prefix[...]) else { return stream.close() }
            let (accepted, actions) = session.accept(
                from: stream.remote,
                capabilities: capabilities,
                hash: hash,
                now: host.now
            )
            id = accepted
            guard let accepted else {
                perform(actions, [])
                return stream.close()
            }
            hold(stream, accepted)
            perform(actions, [])
            received(Array(prefix.dropFirst(Handshake.prefixByteCount)), on: accepted)
        }
    }

    private func dial(_ id: ConnectionID, _ endpoint: Endpoint) {
        host.world.connect(host, to: endpoint) { [weak self] stream in
            guard let self else { return }
            guard let stream else { return perform(session.closed(id, now: host.now), []) }
            attach(stream) { [weak self] bytes in self?.received(bytes, on: id) }
            hold(stream, id)
            perform(session.connected(id, now: host.now), [])
        }
    }

    private func attach(_ stream: StreamEnd, _ receive: @escaping ([UInt8]) -> Void) { stream.onReceive = receive }

    private func hold(_ stream: StreamEnd, _ id: ConnectionID) {
        streams[id] = stream
        stream.onSent = { [weak self] count in
            guard let self, streams[id] != nil else { return }
            perform(session.sent(id, bytes: count, now: host.now), [])
        }
        stream.onClose = { [weak self] in
            guard let self, streams.removeValue(forKey: id) != nil else { return }
            perform(session.closed(id, now: host.now), [])
        }
    }

    private func received(_ bytes: [UInt8], on id: ConnectionID) {
        guard streams[id] != nil, !bytes.isEmpty else { return }
        perform(session.receive(bytes.span, from: id, now: host.now), bytes)
        if wrong == .floods, let stream = streams[id] { flood.pour(into: stream, torrent) }
    }

    // MARK: - Actions

    func perform(_ actions: [SessionAction], _ input: [UInt8]) {
        for action in actions { perform(action, input) }
    }

    private func perform(_ action: SessionAction, _ input: [UInt8]) {
        switch action {
        case .dial(let id, let endpoint, _): dial(id, endpoint)
        case .send(let id, let bytes): streams[id]?.write(bytes)
        case .sendBlock(let id, let header, let read, let range): sendBlock(id, header, read, range)
        case .copy(let piece, let length, let offset, let range):
            let index = Int(piece.raw)
            if buffers[index] == nil { buffers[index] = Array(repeating: 0, count: length) }
            buffers[index]?.replaceSubrange(offset..<offset + range.count, with: input[range])
        case .release(let piece): buffers[Int(piece.raw)] = nil
        case .verify(let check): verify(check)
        case .read(let id, let piece, let offset, let length): read(id, Int(piece.raw), offset, length)
        case .hashLeaves(let id, _): perform(session.leavesFinished(id, nil, now: host.now), [])
        case .keep(let id, let piece): cache[id] = torrent.pieces[Int(piece.raw)]
        case .releaseRead(let id): cache[id] = nil
        case .checkMetadata: perform(session.metadataRefused(now: host.now), [])
        case .close(let id, _): streams.removeValue(forKey: id)?.close()
        case .wake(let time): host.wake(at: time)
        case .event(.complete): completedAt = host.world.now
        case .event(.banned(let endpoint)):
            bannedCount += 1
            onBan?(endpoint)
        case .event(.pieceUnreadable(let piece)): lookLater(into: Int(piece.raw))
        case .event: break
        // Web seeds are not simulated, and no session here knows one.
        default: break
        }
    }

    private func sendBlock(_ id: ConnectionID, _ header: PieceHeader, _ read: ReadID, _ range: Range<Int>) {
        guard let stream = streams[id], wrong != .silent else { return }
        var block = Array((cache[read] ?? [])[range])
        if wrong == .lies { block[0] ^= 1 }
        givenBytes += block.count
        stream.write(header.bytes + block)
    }

    /// A piece is hashed and written in 5 ms.
    private func verify(_ check: PieceCheck) {
        let piece = Int(check.piece.raw)
        let bytes = buffers.removeValue(forKey: piece) ?? []
        let world = host.world
        world.plan(.disk, of: host, at: world.now + .milliseconds(5), content: UInt64(piece)) { [weak self] in
            guard let self else { return }
            let digests = check.wantsBlockDigests ? Self.digests(of: bytes) : []
            guard check.v1 == Hash.sha1(bytes) else {
                let outcome = PieceOutcome.mismatch(blockDigests: Self.digests(of: bytes))
                return perform(session.pieceFinished(check.piece, outcome, now: host.now), [])
            }
            // The bytes are the torrent's, which are in memory once.
            let isWritten = disk.write(piece, torrent.pieces[piece])
            let outcome: PieceOutcome = isWritten ? .stored(blockDigests: digests) : .failed
            perform(session.pieceFinished(check.piece, outcome, now: host.now), [])
        }
    }

    private static func digests(of bytes: [UInt8]) -> [Digest256] {
        stride(from: 0, to: bytes.count, by: 16_384).map { Hash.sha256(bytes[$0..<min($0 + 16_384, bytes.count)]) }
    }

    private func read(_ id: ReadID, _ piece: Int, _ offset: Int, _ length: Int) {
        let world = host.world
        world.plan(.disk, of: host, at: world.now + .milliseconds(2), content: UInt64(piece)) { [weak self] in
            guard let self else { return }
            cache[id] = disk.read(piece, offset..<offset + length)
            perform(session.readFinished(id, succeeded: cache[id] != nil, now: host.now), [])
        }
    }

    /// The driver notices a disk that takes writes again.
    func resume() { perform(session.resume(now: host.now), []) }

    func powerLost() { for id in streams.keys.sorted() { streams[id]?.powerLost() } }
}
