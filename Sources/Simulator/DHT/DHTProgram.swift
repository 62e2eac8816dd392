// SPDX-License-Identifier: Apache-2.0
internal import Kademlia
internal import Keys
internal import Wire

/// A host's DHT node: what ``DHTNode`` decides, done with the host's line and clock.
final class DHTProgram: Program {
    /// A command that has not ended.
    private struct Waiter {
        var id: CommandID
        var progress: ((DHTProgress) -> Void)?
        var finish: (DHTOutcome) -> Void
    }

    /// The longest datagram that a node may send.
    static let maximumDatagram = 1500
    /// Every command ends within this (``DHTNode/start(_:id:now:)`` says about ten seconds).
    static let longestCommand = Duration.seconds(15)

    let host: Host
    private(set) var node: DHTNode
    private var waiters: [CommandID: Waiter] = [:]
    private var nextCommand: CommandID = 1
    var onEvent: ((DHTEvent) -> Void)?
    /// Signs the node's own record for the zone.
    var peerKey: SigningKey?
    /// Of the records it signs.
    var zoneNetwork: [UInt8] = []

    /// `seed`: a stream for this host and this start alone.
    init(on host: Host, id: NodeID? = nil, configuration: DHTConfiguration, seed: inout RandomStream) {
        self.host = host
        node = DHTNode(id: id, configuration: configuration, seed: seed.bytes(32), now: host.now)
    }

    /// To be called when the host is on.
    func open(through entrances: [Endpoint], areRouters: Bool, known: [Contact] = []) {
        perform(node.tick(now: host.now))
        perform(node.join(through: entrances, areRouters: areRouters, known: known, now: host.now))
    }

    func restore(_ state: DHTState) { node.restore(state, now: host.now) }

    /// As the driver over sockets does: what can be is answered the quick way.
    func receive(_ datagram: [UInt8], from source: Endpoint) {
        let now = host.now
        guard let actions = node.answer(datagram.span, from: source, now: now, into: &host.world.answers) else {
            return perform(node.receive(datagram, from: source, now: now))
        }
        if !host.world.answers.isEmpty {
            send(Array(host.world.answers.bytes), to: source)
            host.world.answers.removeAll()
        }
        if !actions.isEmpty { perform(actions) }
    }

    private func send(_ bytes: [UInt8], to endpoint: Endpoint) {
        if bytes.count > Self.maximumDatagram {
            host.world.violate(.datagramSize, "\(bytes.count) bytes", host: host)
        }
        host.send(bytes, to: endpoint)
    }

    func wake() { perform(node.tick(now: host.now)) }

    func start(
        _ command: DHTCommand,
        progress: ((DHTProgress) -> Void)? = nil,
        finish: @escaping (DHTOutcome) -> Void = { _ in }
    ) {
        let id = nextCommand
        nextCommand += 1
        waiters[id] = Waiter(id: id, progress: progress, finish: finish)
        guardEnd(of: id, command)
        perform(node.start(command, id: id, now: host.now))
    }

    /// Sees to it that a command ends in time while its host stays on.
    private func guardEnd(of id: CommandID, _ command: DHTCommand) {
        let incarnation = host.incarnation
        host.world.plan(after: Self.longestCommand) { [weak self] in
            guard let self, waiters[id] != nil, host.incarnation == incarnation else { return }
            host.world.violate(.commandEnds, command.name, host: host)
        }
    }

    /// No queue is above its bound, and a timer is planned: a node always has something to do some time.
    func touched() {
        if let load = node.overload {
            return host.world.violate(.queuesAreBounded, "\(load.name): \(load.used) of \(load.bound)", host: host)
        }
        if !host.hasWake { host.world.violate(.timerIsSet, "a node without a timer", host: host) }
    }

    func keep(_ publication: Publication, policy: KeepPolicy) {
        perform(node.keep(publication, policy: policy, now: host.now))
    }

    private func perform(_ actions: [DHTNode.Action]) {
        var requests: [PeerRecordRequest] = []
        for action in actions {
            switch action {
            case .send(let bytes, let endpoint): send(bytes, to: endpoint)
            case .wake(let time): host.wake(at: time)
            case .progress(let id, let progress): waiters[id]?.progress?(progress)
            case .finished(let id, let outcome): waiters.removeValue(forKey: id)?.finish(outcome)
            case .event(.peerRecordDue(let request)): requests.append(request)
            case .event(let event): onEvent?(event)
            }
        }
        // Not from inside the machine's own actions.
        for request in requests { announce(request) }
    }

    /// As the driver over sockets does it.
    private func announce(_ request: PeerRecordRequest) {
        guard let peerKey else { return }
        let endpoints = request.endpoints.map { PeerAddress($0) }
        let record = endpoints.isEmpty ? nil : sign(endpoints, request.above, life: request.life, by: peerKey)
        perform(node.announce(record, wall: wall, now: host.now))
    }

    /// Says that it goes, as a node does that is stopped.
    func part() {
        guard let peerKey else { return }
        perform(node.announce(sign([], 0, life: 60, by: peerKey), wall: wall, now: host.now))
    }

    private var wall: UInt64 { UInt64(clamping: host.wallTime.inNanoseconds / 1_000_000_000) }

    private func sign(_ addresses: [PeerAddress], _ above: UInt64, life: UInt64, by key: SigningKey) -> PeerRecord? {
        PeerRecord.signed(
            by: key,
            network: zoneNetwork,
            sequence: max(above + 1, UInt64(clamping: host.wallTime.inNanoseconds / 1_000_000)),
            life: life,
            addresses: addresses,
            at: wall
        )
    }
}

extension DHTConfiguration {
    /// For a node on that host. Without its address it has to learn from others where it stands.
    init(of host: Host, knowsAddress: Bool = true) {
        self.init()
        if knowsAddress { localAddresses = [host.endpoint.address] }
        localPort = host.endpoint.port
    }
}

extension DHTCommand {
    /// As in a violation.
    fileprivate var name: String {
        switch self {
        case .findNode: "find_node"
        case .getPeers: "get_peers"
        case .scrape: "scrape"
        case .sampleInfohashes: "sample_infohashes"
        case .getImmutable, .getMutable: "get"
        case .publish(.peer, _, _): "announce_peer"
        case .publish, .update: "put"
        }
    }
}
