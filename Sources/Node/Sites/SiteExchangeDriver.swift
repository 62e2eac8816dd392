// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import NIOCore
internal import Wire

/// Connects one channel to a ``SiteExchangeSession``: framing, clocks, store and waiters.
///
/// Lives on the channel's event loop. Memory: beside the session's, at most 5 MiB of answers that the peer does not
/// read, for ``stallTime``; while they wait nothing more is read from it.
final class SiteExchangeDriver: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// For both handshakes.
    static let patience = TimeAmount.seconds(10)
    /// For one answer of the store of a peer: who is slower is left, another is asked.
    static let commandTime = TimeAmount.seconds(10)
    /// For a whole feed, however steadily it trickles.
    static let syncTime = TimeAmount.seconds(120)
    /// For a peer that does not read what it asked for.
    static let stallTime = TimeAmount.seconds(15)

    private struct Command {
        var done: @Sendable (SiteResult) -> Void
        var deadline: Scheduled<Void>
    }

    private let service: SiteService
    private let connection: SiteConnection
    private var wire: ExtensionWire
    private var session: SiteExchangeSession?
    private var context: ChannelHandlerContext?
    /// What came before the feed was read from disk; nil from then on.
    private var early: ByteBuffer?
    private var commands: [UInt64: Command] = [:]
    private var syncs: [@Sendable (SiteSyncOutcome) -> Void] = []
    private var syncDeadline: Scheduled<Void>?
    private var conclusion = SiteSyncConclusion()
    private var wake: Scheduled<Void>?
    private var patience: Scheduled<Void>?
    private var stall: Scheduled<Void>?
    private var hasBegun = false
    /// The peer's extension handshake has come.
    private var isOpen = false
    private var isClosed = false

    /// `early`: what the listener has read already; nothing for a connection that we made.
    init(service: SiteService, connection: SiteConnection, early: ByteBuffer) {
        self.service = service
        self.connection = connection
        self.early = early
        wire = ExtensionWire(site: connection.site, ownID: service.peerID)
    }

    private var now: ContinuousClock.Instant { service.clock.now }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        patience = schedule(in: Self.patience) { $0.close() }
        // Not before the feed is here, so that the first question can be answered.
        setReading(false, context)
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard !hasBegun else { return }
        hasBegun = true
        if !connection.isOutgoing { greet(early: []) }
        service.feedForConnection(to: connection.site, on: context.eventLoop).assumeIsolated().whenComplete {
            [weak self] _ in
            self?.ready()
        }
    }

    private func greet(early: [[UInt8]]) {
        write(wire.hello(client: service.client, listenPort: service.listenPort, early: early))
        context?.flush()
    }

    /// Who dials asks with its handshake, which takes the feed: what is known need not be asked for.
    private func ask() {
        guard connection.isOutgoing, !isClosed else { return }
        var session = makeSession()
        greet(early: session.open(path: SiteExchangeSpecification.frontPath, now: now))
        self.session = consume session
    }

    private func makeSession() -> SiteExchangeSession {
        var session = SiteExchangeSession(site: connection.site, feed: service.feeds.cached(connection.site), now: now)
        session.holds = service.heldReleases(of: connection.site)
        session.siteKey = service.key(of: connection.site)
        return session
    }

    private func ready() {
        guard let context, let buffer = early else { return }
        early = nil
        ask()
        setReading(true, context)
        take(buffer)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = Self.unwrapInboundIn(data)
        service.received(buffer.readableBytes, for: connection.site)
        if early != nil {
            early?.writeBuffer(&buffer)
        } else {
            take(buffer)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        stall?.cancel()
        stall = context.channel.isWritable ? nil : schedule(in: Self.stallTime) { $0.close() }
        if early == nil { setReading(context.channel.isWritable, context) }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        close()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        close()
        self.context = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { close() }

    private func setReading(_ isReading: Bool, _ context: ChannelHandlerContext) {
        try? context.channel.syncOptions?.setOption(.autoRead, value: isReading)
    }

    private func take(_ buffer: ByteBuffer) {
        guard !isClosed, buffer.readableBytes > 0 else { return }
        do throws(ExtensionWire.Failure) {
            for event in try wire.receive(Array(buffer.readableBytesView)) where !isClosed {
                switch event {
                case .opened(let port, let readsEarly): open(peerPort: port, readsEarly: readsEarly)
                case .payload(let payload): receive(payload)
                }
            }
        } catch {
            service.misbehaved(connection, "\(error)")
            close()
        }
    }

    // MARK: Session

    private func open(peerPort: UInt16?, readsEarly: Bool) {
        patience?.cancel()
        guard service.opened(connection, peerPort: peerPort) else { return close() }
        isOpen = true
        if session == nil { session = makeSession() }
        perform(session?.opened(reads: readsEarly, now: now))
        // Both directions compare heads, whoever dialled.
        synchronise { _ in }
    }

    private func receive(_ payload: [UInt8]) {
        // A rule may have come since the connection was accepted.
        guard service.mayServe(connection.site) else { return close() }
        perform(session?.receive(payload, now: now))
    }

    /// Asks what the peer follows. `done` is called once, on the loop.
    func synchronise(_ done: @escaping @Sendable (SiteSyncOutcome) -> Void) {
        guard !isClosed else { return done(.unreachable) }
        syncs.append(done)
        if syncDeadline == nil { syncDeadline = schedule(in: Self.syncTime) { $0.close() } }
        // While the connection is being made, opening it asks.
        if isOpen { perform(session?.synchronise(now: now)) }
    }

    func ask(_ command: SiteCommand, id: UInt64, done: @escaping @Sendable (SiteResult) -> Void) {
        guard !isClosed, isOpen else { return done(.notAsked) }
        commands[id] = Command(done: done, deadline: schedule(in: Self.commandTime) { $0.close() })
        perform(session?.ask(command, id: id, now: now))
    }

    /// The caller does not want the answer any more; the peer's is checked all the same.
    func abandon(_ id: UInt64) { deliver(id, .notAsked) }

    func feedChanged(_ feed: SiteFeed) {
        // Who is not open yet hears of it by the first question.
        if isOpen { perform(session?.feedChanged(feed, now: now)) }
    }

    func setHeld(_ releases: [Int64]) { session?.holds = releases }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        for task in [wake, patience, stall, syncDeadline] { task?.cancel() }
        perform(session?.close())
        for id in Array(commands.keys) { deliver(id, .notAsked) }
        for done in syncs { done(.unreachable) }
        syncs = []
        service.closed(connection)
        context?.close(promise: nil)
    }

    // MARK: Actions

    private func perform(_ actions: [SiteExchangeAction]?) {
        guard let actions else { return }
        for action in actions { perform(action) }
        context?.flush()
    }

    private func perform(_ action: SiteExchangeAction) {
        switch action {
        case .send(let payload): write(wire.frame(payload))
        case .read(let token, let node): read(node, token: token)
        case .siteKey(let key): service.learnt(key, of: connection.site)
        case .peerHead(let head, let holds):
            conclusion.peerFollows(head)
            service.peer(connection, follows: head, holds: holds)
        case .adopted(let feed), .fork(let feed): keep(feed)
        case .synced(let failure): conclude(conclusion.synced(failure, newest: newestHead))
        case .directory(let nodes): service.keepInBackground(nodes, of: connection.site)
        case .deliver(let id, let result): deliver(id, result)
        case .wake(let instant): setWake(at: instant)
        case .close(let reason):
            switch reason {
            case .idle, .closed: break
            default: service.misbehaved(connection, "\(reason)")
            }
            close()
        }
    }

    private func write(_ bytes: [UInt8]) {
        guard let context, !bytes.isEmpty else { return }
        context.write(Self.wrapOutboundOut(context.channel.allocator.buffer(bytes: bytes)), promise: nil)
    }

    private func read(_ node: Digest256, token: UInt32) {
        guard let context else { return }
        service.node(node, of: connection.site, on: context.eventLoop).assumeIsolated().whenComplete {
            [weak self] result in
            guard let self else { return }
            let bytes = (try? result.get()) ?? nil
            perform(session?.supply(token, node: bytes, now: now))
        }
    }

    private func deliver(_ id: UInt64, _ result: SiteResult) {
        guard let command = commands.removeValue(forKey: id) else { return }
        command.deadline.cancel()
        command.done(result)
    }

    /// What was adopted is on disk before anybody else hears of it.
    private func keep(_ feed: SiteFeed) {
        guard let context else { return }
        conclusion.keeps()
        service.keep(feed, from: connection, on: context.eventLoop).assumeIsolated().whenComplete {
            [weak self] result in
            guard let self else { return }
            let succeeded = if case .success = result { true } else { false }
            if !succeeded { session?.notKept(driverHas: service.feeds.cached(connection.site)) }
            conclude(conclusion.kept(succeeded: succeeded, newest: newestHead))
        }
    }

    private var newestHead: Digest256? { service.feeds.cached(connection.site)?.head.hash }

    private func conclude(_ outcome: SiteSyncOutcome?) {
        guard let outcome else { return }
        syncDeadline?.cancel()
        syncDeadline = nil
        let waiting = syncs
        syncs = []
        for done in waiting { done(outcome) }
        service.concluded(connection, outcome)
    }

    private func setWake(at instant: ContinuousClock.Instant) {
        wake?.cancel()
        let pause = (instant - now).components
        let delay = TimeAmount.seconds(pause.seconds) + .nanoseconds(pause.attoseconds / 1_000_000_000)
        wake = schedule(in: delay + .milliseconds(1)) { driver in
            driver.perform(driver.session?.tick(now: driver.now))
        }
    }

    private func schedule(in delay: TimeAmount, _ body: @escaping (SiteExchangeDriver) -> Void) -> Scheduled<Void> {
        connection.loop.assumeIsolated().scheduleTask(in: service.clock.real(delay)) { [weak self] in
            if let self { body(self) }
        }
    }
}
