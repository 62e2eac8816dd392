// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Kademlia
internal import NIOCore
internal import Wire

/// Carries out what a ``DHTNode`` decides. Confined to one event loop.
final class DHTDriver: DatagramReceiver {
    struct Waiter {
        var progress: ((DHTProgress, DHTDriver) -> Void)?
        var finish: (DHTOutcome) -> Void
    }

    private let eventLoop: any EventLoop
    private var sockets: [UDPSocket]
    private let onEvent: (@Sendable (DHTEvent) -> Void)?
    private var node: DHTNode
    private var waiters: [CommandID: Waiter] = [:]
    private var timer: Scheduled<Void>?
    private var isClosed = false
    /// Who signs our record for the zone, where there is one.
    private let announcer: PeerAnnouncer?
    /// What has come together came at one time.
    private var readTime: Instant?
    /// Answers that leave together, by family.
    private var batches = AddressFamily.allCases.map { _ in DatagramBatch() }

    init(
        _ node: consuming DHTNode,
        _ sockets: [UDPSocket],
        _ eventLoop: any EventLoop,
        announcer: PeerAnnouncer? = nil,
        _ onEvent: (@Sendable (DHTEvent) -> Void)?
    ) {
        self.announcer = announcer
        self.node = node
        self.sockets = sockets
        self.eventLoop = eventLoop
        self.onEvent = onEvent
    }

    static var now: Instant { .nanoseconds(Int64(NIODeadline.now().uptimeNanoseconds)) }

    func open() {
        for socket in sockets { socket.register(self, for: .krpc) }
        perform(node.tick(now: Self.now))
    }

    /// Goes on over other sockets of the same families and the same event loop.
    func replace(_ new: [UDPSocket]) {
        for socket in sockets { socket.register(nil, for: .krpc) }
        sockets = new
        guard !isClosed else { return }
        for socket in sockets { socket.register(self, for: .krpc) }
    }

    /// From inside the machine's own actions: those are performed to the end first.
    private func announceLater(_ request: PeerRecordRequest) {
        guard let announcer else { return }
        eventLoop.assumeIsolated().execute { [self] in
            guard !isClosed else { return }
            let now = PeerAnnouncer.now
            perform(node.announce(announcer.record(for: request, at: now), wall: now.seconds, now: Self.now))
        }
    }

    /// Tells the zone that we go.
    func part() {
        guard let announcer, !isClosed else { return }
        let now = PeerAnnouncer.now
        perform(node.announce(announcer.parting(above: node.zoneSequence, at: now), wall: now.seconds, now: Self.now))
    }

    /// Ends every command as cancelled.
    func close() {
        isClosed = true
        timer?.cancel()
        for socket in sockets { socket.register(nil, for: .krpc) }
        let waiting = waiters.values
        waiters = [:]
        for waiter in waiting { waiter.finish(.cancelled) }
    }

    func receive(_ datagram: ByteBuffer, from source: Endpoint) {
        receive(inPlace: datagram.readableBytesUInt8Span, from: source)
    }

    func receive(inPlace datagram: Span<UInt8>, from source: Endpoint) {
        let family = source.family.rawValue
        let now = readTime ?? Self.now
        readTime = now
        if let actions = node.answer(datagram, from: source, now: now, into: &batches[family]) {
            if batches[family].isFull { sendAnswers(family) }
            perform(actions)
        } else {
            perform(node.receive(datagram.indices.map { datagram[$0] }, from: source, now: now))
        }
    }

    func receivedAll() {
        readTime = nil
        for family in batches.indices where !batches[family].isEmpty { sendAnswers(family) }
    }

    private func sendAnswers(_ family: Int) {
        let isV4 = family == AddressFamily.v4.rawValue
        sockets.first { $0.localEndpoint.address.isV4 == isV4 }?.send(batches[family])
        batches[family].removeAll()
    }

    func start(_ command: DHTCommand, id: CommandID, _ waiter: Waiter) {
        guard !isClosed else { return waiter.finish(.cancelled) }
        waiters[id] = waiter
        perform(node.start(command, id: id, now: Self.now))
    }

    func cancel(_ id: CommandID) { perform(node.cancel(id, now: Self.now)) }
    func supply(_ item: MutableItem?, for id: CommandID) { perform(node.supply(item, for: id, now: Self.now)) }

    /// For use from inside a waiter: actions are performed to the end before the machine is touched again.
    func supplyLater(_ item: MutableItem?, for id: CommandID) {
        eventLoop.assumeIsolated().execute { self.supply(item, for: id) }
    }

    /// Something that is answered without waiting.
    func inspect<Value>(_ body: (inout DHTNode) -> Value) -> Value { body(&node) }

    var isReachable: Bool { node.isReachable(now: Self.now) }

    func join(through entrances: [Endpoint], areRouters: Bool) {
        perform(node.join(through: entrances, areRouters: areRouters, now: Self.now))
    }

    func meet(_ endpoint: Endpoint) {
        guard !isClosed else { return }
        perform(node.meet(endpoint, now: Self.now))
    }

    func keep(_ publication: Publication, policy: KeepPolicy) {
        perform(node.keep(publication, policy: policy, now: Self.now))
    }

    private func perform(_ actions: [DHTNode.Action]) {
        var actions = actions
        while !actions.isEmpty {
            let unsent = perform(once: actions)
            // What follows from it may again be unsendable, as often as a search has nodes to ask.
            actions = unsent.flatMap { node.hadNoWay(to: $0, now: Self.now) }
        }
    }

    /// - Returns: whom there is no way to.
    private func perform(once actions: [DHTNode.Action]) -> [Endpoint] {
        var unsent: [Endpoint] = []
        for action in actions {
            switch action {
            case .send(let bytes, let endpoint):
                let socket = sockets.first { $0.localEndpoint.address.isV4 == endpoint.address.isV4 }
                if Self.hasNoWay(socket?.send(bytes, to: endpoint) ?? EAFNOSUPPORT) { unsent.append(endpoint) }
            case .wake(let time): wake(at: time)
            case .progress(let id, let progress): waiters[id]?.progress?(progress, self)
            case .finished(let id, let outcome): waiters.removeValue(forKey: id)?.finish(outcome)
            case .event(.peerRecordDue(let request)): announceLater(request)
            case .event(let event): onEvent?(event)
            }
        }
        return unsent
    }

    /// Whether this machine has no way into the network of that address, by the `errno` of a datagram to it.
    private static func hasNoWay(_ failure: Int32) -> Bool {
        failure == ENETUNREACH || failure == EADDRNOTAVAIL || failure == EAFNOSUPPORT
    }

    private func wake(at time: Instant) {
        timer?.cancel()
        guard !isClosed else { return }
        let (seconds, attoseconds) = time.components
        let nanoseconds = UInt64(max(0, seconds)) * 1_000_000_000 + UInt64(max(0, attoseconds)) / 1_000_000_000
        timer = eventLoop.assumeIsolated().scheduleTask(deadline: .uptimeNanoseconds(nanoseconds)) { [weak self] in
            guard let self, !isClosed else { return }
            perform(node.tick(now: Self.now))
        }
    }
}
