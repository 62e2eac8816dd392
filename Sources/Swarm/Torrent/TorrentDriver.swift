// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Transport
internal import Wire

/// Carries out what one ``TorrentSession`` decides: sockets, piece buffers, disk, time.
///
/// Confined to one event loop, which owns the session, all of its connections and its timers: no lock, no hop for a block.
/// Actions are done in order; an event that comes up while they are being done adds its own behind them.
final class TorrentDriver {
    let loop: any EventLoop
    let connector: StreamConnector
    private let disk: DiskPool
    let buffers: BufferPool
    let budget: ConnectionBudget
    let dialBudget: ConnectionBudget
    /// The torrent's own limits.
    let rates: SwarmLimits.Pair
    /// For what is done for this torrent elsewhere and may block.
    var diskThreads: NIOThreadPool { disk.threads }
    let logger: Logger
    var session: TorrentSession
    private(set) var storage: (any PieceStorage)?
    private(set) var metainfo: Metainfo?
    private let prepare: TorrentPreparation
    private let onEvent: (SessionEvent) -> Void
    private(set) var results: DiskResults?

    // Changed by this type alone, which continues in `TorrentDriver+Connections.swift`.
    var links: [ConnectionID: PeerLink] = [:]
    var webSeeds: [ConnectionID: WebSeedDriver] = [:]
    /// Places of connections that are being made.
    var dials: [ConnectionID: (place: ConnectionBudget.Place, dial: ConnectionBudget.Place)] = [:]
    private var memory: TorrentMemory
    private var timer: Scheduled<Void>?
    private var queue: [SessionAction] = []
    /// What came in while actions were performed.
    private var arrivals: [(ConnectionID, ByteBuffer)] = []
    private var isPerforming = false
    private var jobs: [DiskJob] = []
    private let arrived: PieceQueue
    /// Pieces to be verified that the queue does not have yet.
    private var complete: [(check: PieceCheck, buffer: PieceBuffer)] = []
    private var dirty: [PeerLink] = []

    init(
        session: consuming TorrentSession,
        storage: (any PieceStorage)?,
        metainfo: Metainfo?,
        services: SwarmServices,
        rates: SwarmLimits.Pair,
        logger: Logger,
        prepare: @escaping TorrentPreparation,
        onEvent: @escaping (SessionEvent) -> Void
    ) {
        self.session = session
        self.storage = storage
        self.metainfo = metainfo
        loop = services.loop
        connector = services.connector.value
        disk = services.disk
        arrived = PieceQueue(limit: disk.threadsForPieces)
        buffers = services.buffers.value
        memory = TorrentMemory(pieces: disk.buffers, buffers: buffers)
        budget = services.budget
        dialBudget = services.dials
        self.rates = rates
        self.logger = logger
        self.prepare = prepare
        self.onEvent = onEvent
        let bound = NIOLoopBound(WeakDriver(driver: self), eventLoop: loop)
        results = DiskResults(loop: loop) { results in bound.value.driver?.finished(results) }
    }

    private struct WeakDriver { weak var driver: TorrentDriver? }

    /// The time by which sessions live: since the system started.
    static var now: Duration { .nanoseconds(Int64(clamping: NIODeadline.now().uptimeNanoseconds)) }

    // MARK: Commands

    /// Gives the session a command or an event and does what it answers.
    func update(_ change: (inout TorrentSession, Duration) -> [SessionAction]) {
        perform(change(&session, Self.now))
    }

    func inspect<Result>(_ body: (borrowing TorrentSession) -> Result) -> Result { body(session) }

    func stop() {
        timer?.cancel()
        update { $0.stop(now: $1) }
        memory.releaseAll()
    }

    // MARK: Events

    func received(_ buffer: ByteBuffer, from id: ConnectionID) {
        guard !isPerforming else {
            // A write that fails makes NIO drain the socket from within our flush. The bytes wait for their own turn:
            // ranges in actions are of the input at hand.
            arrivals.append((id, buffer))
            return
        }
        guard links[id] != nil else { return }
        // SAFETY: the span and the pointer are used only while the closure runs, and the buffer is alive during it.
        unsafe buffer.withUnsafeReadableBytes { bytes in
            let span = unsafe Span<UInt8>(_unsafeBytes: bytes)
            let actions = session.receive(span, from: id, now: Self.now)
            unsafe perform(actions, input: bytes)
        }
    }

    /// Bytes of pieces that the web seed was asked for.
    func received(_ buffer: ByteBuffer, fromWebSeed id: ConnectionID) {
        guard !isPerforming else {
            // It comes on turns of its own; should it not, ranges in actions must still be of the input at hand.
            return loop.assumeIsolated().execute { self.received(buffer, fromWebSeed: id) }
        }
        // SAFETY: the pointer is used only while the closure runs, and the buffer is alive during it.
        unsafe buffer.withUnsafeReadableBytes { bytes in
            let actions = session.receive(fromWebSeed: id, count: bytes.count, now: Self.now)
            unsafe perform(actions, input: bytes)
        }
    }

    /// All results at once: what follows from them leaves in one write for each connection.
    private func finished(_ finished: [DiskResult]) {
        let now = Self.now
        var actions: [SessionAction] = []
        for result in finished {
            switch result {
            case .verified(let piece, let outcome, let buffer):
                memory.finished(piece, buffer)
                actions += session.pieceFinished(piece, outcome, now: now)
            case .leaves(let id, let leaves): actions += session.leavesFinished(id, leaves, now: now)
            case .read(let id, let buffer):
                if let buffer { memory.read(id, buffer.take()) }
                actions += session.readFinished(id, succeeded: buffer != nil, now: now)
            }
        }
        perform(actions)
        memory.releaseVerified()
    }

    // MARK: Actions

    func perform(_ actions: [SessionAction]) {
        unsafe perform(actions, input: UnsafeRawBufferPointer(start: nil, count: 0))
    }

    private func perform(_ actions: [SessionAction], input: UnsafeRawBufferPointer) {
        guard !isPerforming else {
            // Only what follows from closing or writing comes here, and that copies nothing: see `received`.
            queue += actions
            return
        }
        isPerforming = true
        for action in actions { unsafe perform(action, input) }
        repeat {
            let more = queue
            queue = []
            for action in more { unsafe perform(action, input) }
            startJobs()
            flush()
        } while !queue.isEmpty
        isPerforming = false
        while !arrivals.isEmpty {
            let (id, buffer) = arrivals.removeFirst()
            received(buffer, from: id)
        }
    }

    private func perform(_ action: SessionAction, _ input: UnsafeRawBufferPointer) {
        switch action {
        case .send(let id, let bytes):
            if let link = links[id], link.append(bytes) { dirty.append(link) }
        case .sendBlock(let id, let header, let read, let range):
            guard let link = links[id], let source = memory.source(read) else { return }
            if link.append(header: header, source, range) { dirty.append(link) }
        case .copy(let piece, let length, let offset, let range):
            unsafe memory.copy(UnsafeRawBufferPointer(rebasing: input[range]), to: piece, length, at: offset)
        case .release(let piece): memory.release(piece)
        case .verify(let check): if let buffer = memory.take(check.piece) { complete.append((check, buffer)) }
        case .keep(let id, let piece): memory.keep(piece, as: id)
        case .read(let id, let piece, let offset, let length):
            let buffer = ReadBuffer(buffers.take(toKeep: length))
            jobs.append(.read(id, piece: piece, offset: offset, buffer, length: length))
        case .hashLeaves(let id, let pieces): hashLeaves(id, pieces)
        case .releaseRead(let id): memory.release(id)
        case .dial(let id, let endpoint, let route): dial(id, endpoint, route)
        case .close(let id, let reason):
            logger.debug("connection closed", metadata: ["reason": "\(reason)"])
            dials[id] = nil
            links.removeValue(forKey: id)?.close()
            webSeeds[id]?.close()
        case .fetch(let id, let pieces):
            webSeeds[id]?.fetch(pieces)
        case .wake(let time): schedule(time)
        case .checkMetadata(let bytes): check(bytes)
        case .event(let event):
            if event == .complete { disk.buffers.trim() }
            onEvent(event)
        }
    }

    private func hashLeaves(_ id: ReadID, _ pieces: Range<PieceIndex>) {
        let wanted = (pieces.lowerBound.raw..<pieces.upperBound.raw).map { raw in
            (piece: PieceIndex(raw), length: session.content?.dataLength(of: Int(raw)) ?? 0)
        }
        jobs.append(.hashLeaves(id, wanted))
    }

    private func flush() {
        let links = dirty
        dirty.removeAll(keepingCapacity: true)
        for link in links { link.flush() }
    }

    private func startJobs() {
        guard !jobs.isEmpty || !complete.isEmpty, let storage, let results else { return }
        let (now, pieces) = (jobs, complete)
        jobs = []
        complete = []
        if !now.isEmpty { disk.submit(now, storage: storage, results: results) }
        if !pieces.isEmpty { disk.verify(pieces, by: arrived, storage: storage, results: results) }
    }

    // MARK: Time

    private func schedule(_ time: Duration) {
        timer?.cancel()
        let (seconds, attoseconds) = time.components
        let deadline = NIODeadline.uptimeNanoseconds(
            UInt64(max(0, seconds)) * 1_000_000_000 + UInt64(max(0, attoseconds)) / 1_000_000_000
        )
        timer = loop.assumeIsolated().scheduleTask(deadline: deadline) { [weak self] in
            self?.update { $0.wake(now: $1) }
        }
    }

    // MARK: Metadata

    /// The info dictionary has come by another way than from peers.
    func learn(_ infoDictionary: [UInt8]) {
        if metainfo == nil { check(infoDictionary) }
    }

    private func check(_ bytes: [UInt8]) {
        let expected = session.infoHashes
        let bound = NIOLoopBound(self, eventLoop: loop)
        let prepare = prepare
        disk.threads.submit { _ in
            let prepared = PreparedMetadata(infoDictionary: bytes, expected: expected, prepare: prepare)
            bound.eventLoop.execute { bound.value.metadataChecked(prepared) }
        }
    }

    private func metadataChecked(_ prepared: PreparedMetadata) {
        // It may come from peers and by another way at once.
        guard metainfo == nil else { return }
        switch prepared {
        case .refused: update { $0.metadataRefused(now: $1) }
        case .ready(let metainfo, let content, let storage, let have):
            self.metainfo = metainfo
            self.storage = storage
            update { session, now in
                session.metadataFinished(content, infoDictionary: metainfo.infoDictionary, have: have, now: now)
            }
        }
    }
}
