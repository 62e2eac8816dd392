// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Kademlia
internal import Keys
internal import Logging
internal import NIOCore
internal import Storage
internal import Synchronization
internal import Transport
internal import Wire

/// The DHT of one network on the node's UDP port: those of IPv4 and IPv6, where the node is in both (BEP 32).
///
/// ``run()`` keeps it going: finds the network, and again whenever everybody was lost; takes the port anew where the
/// system closed it; writes what must outlive us. Commands are answered before and beside it.
final class NetworkService: Sendable {
    let context: NodeContext
    /// As the configuration named it at the start: `mainline` or `none`.
    let name: String
    let dht: DHTService
    let entrances: NetworkEntrances
    /// Tells when nodes were found where hardly any were known: what was published before is worth publishing again.
    let growth = GrowthSignal()
    /// Peers of the local network; nil where they are not looked for.
    let local: LocalPeers?
    /// Asks the router to let peers through; nil where it is not to be asked.
    let mapper: PortMapper?
    /// Why there is no IPv6 beside IPv4, for people; nil where there is, or where it was not wanted.
    let absence: String?
    /// One of each family.
    private let sockets: Mutex<[UDPSocket]>
    /// Told of the sockets that are used when one took the place of one that the system closed; what else uses the port goes on
    /// there.
    private let onSockets: @Sendable ([UDPSocket]) async throws -> Void
    private let onAddresses: @Sendable ([IPAddress]) -> Void
    private let needsSaving = Atomic(false)

    private init(
        context: NodeContext,
        from start: NodeConfiguration,
        dht: DHTService,
        sockets: [UDPSocket],
        absence: String?,
        local: LocalPeers?,
        mapper: PortMapper?,
        onSockets: @escaping @Sendable ([UDPSocket]) async throws -> Void,
        onAddresses: @escaping @Sendable ([IPAddress]) -> Void
    ) {
        self.onSockets = onSockets
        self.onAddresses = onAddresses
        self.absence = absence
        self.local = local
        self.mapper = mapper
        self.context = context
        name = start.network
        self.dht = dht
        self.sockets = Mutex(sockets)
        entrances = NetworkEntrances(configuration: start, dht: dht)
    }

    /// Where it listens, in each family, with the port that the system chose for port 0.
    var localEndpoints: [Endpoint] { sockets.withLock { $0.map { $0.localEndpoint } } }
    /// The first of them: IPv4's, where it listens there.
    var localEndpoint: Endpoint { sockets.withLock { $0[0].localEndpoint } }

    /// Binds UDP and starts; the network is looked for at the addresses that are known, by name once ``run()`` runs.
    static func start(
        context: NodeContext,
        listen: Endpoint,
        beside: IPv6Listening = .off
    ) async throws(NodeError) -> NetworkService {
        let port = try await PeerPort.bind(listen, beside: beside, on: context.group.next()) { _ in }
        return try await start(context: context, sockets: port.udp, absence: port.absence)
    }

    /// Starts on sockets that are its own from now on: one of each family, on one port and one event loop.
    static func start(
        context: NodeContext,
        sockets: [UDPSocket],
        absence: String? = nil,
        local: LocalPeers? = nil,
        mapper: PortMapper? = nil,
        onSockets: @escaping @Sendable ([UDPSocket]) async throws -> Void = { _ in },
        onAddresses: @escaping @Sendable ([IPAddress]) -> Void = { _ in }
    ) async throws(NodeError) -> NetworkService {
        let (admission, start) = (context.admission, context.configuration)
        var configuration = DHTConfiguration()
        configuration.bucketSize = start.dhtBucket
        configuration.outgoingQueries = Double(start.dhtQueries)
        configuration.refuses = { admission.denial(of: Admission.Subject(short: $0)) != nil }
        do {
            let path = "\(context.home.path)/dht-\(start.network).state"
            var announcer: PeerAnnouncer?
            if start.effectiveZoneAnnouncement {
                let id = Array(start.network.utf8)
                configuration.zone = ZoneConfiguration(network: id)
                announcer = PeerAnnouncer(key: try context.keys.peerKey(network: start.network), network: id)
            }
            let dht = try await DHTService.start(
                on: sockets,
                configuration: configuration,
                statePath: path,
                announcer: announcer
            )
            let service = NetworkService(
                context: context,
                from: start,
                dht: dht,
                sockets: sockets,
                absence: absence,
                local: local,
                mapper: mapper,
                onSockets: onSockets,
                onAddresses: onAddresses
            )
            try await service.dropOutdated()
            service.entrances.join()
            return service
        } catch {
            await local?.shutdown()
            for socket in sockets { await socket.close() }
            throw NodeError(unexpected: error)
        }
    }

    /// What an earlier run announced is announced again by who still holds it; what it kept alive for others stays only
    /// under the same policy.
    private func dropOutdated() async throws {
        let keepsOthers = context.configuration.effectiveServe == .quota
        try await dht.inspect { node in
            for kept in node.state.kept {
                let isAnnounce = if case .peer = kept.publication { true } else { false }
                if isAnnounce || !kept.isOwn && !keepsOthers { node.stopPublishing(kept.publication) }
            }
        }
    }

    /// Works until cancelled. Ending it leaves the DHT answering; ``shutdown()`` ends that.
    func run() async throws {
        var watch = TableWatch(network: name, logger: context.logger)
        var round = 0
        var reached: [IPAddress] = []
        while !Task.isCancelled {
            let count = (try? await dht.inspect { $0.nodeCount }) ?? 0
            if watch.grew(to: count) { growth.send() }
            entrances.seek(nodes: count, now: .now)
            if sockets.withLock({ $0.contains { !$0.isOpen } }) { await rebind() }
            round += 1
            let addresses = await ownAddresses()
            if addresses != reached {
                reached = addresses
                onAddresses(addresses)
            }
            if round % 4 == 0, needsSaving.exchange(false, ordering: .relaxed) { await save() }
            // Cancellation ends the loop.
            try? await Task.sleep(for: .milliseconds(500), tolerance: .milliseconds(250))
        }
    }

    /// Ends every command, writes the state and frees the port.
    func shutdown() async {
        entrances.shutdown()
        growth.finish()
        await local?.shutdown()
        do {
            try await dht.shutdown()
        } catch is CancellationError {
            // A node that never got to run; what an earlier one knew is still there.
        } catch {
            context.logger.warning("dht state could not be written", metadata: ["error": "\(error)"])
        }
        await closeSockets()
    }

    // MARK: Entering

    /// Waits until a node is known, for at most `time`; a search before that finds nothing.
    /// - Returns: whether one is.
    @discardableResult
    func settle(within time: Duration) async -> Bool {
        let deadline = ContinuousClock.now + time
        while await nodeCount == 0 {
            guard ContinuousClock.now < deadline, !Task.isCancelled else { return false }
            try? await Task.sleep(for: .milliseconds(50))
        }
        return true
    }

    // MARK: State

    /// What was seen must survive, but not at the cost of a disk write each: at the latest two seconds later.
    func saveSoon() { needsSaving.store(true, ordering: .relaxed) }

    /// Writes the state now. Where it fails, the next round tries again.
    func save() async {
        do {
            try await dht.saveState()
        } catch {
            saveSoon()
            context.logger.debug("dht state could not be written", metadata: ["error": "\(error)"])
        }
    }

    func closeSockets() async {
        for socket in sockets.withLock({ $0 }) { await socket.close() }
    }

    /// The system closes a socket when its interface fails; the same port is taken again.
    private func rebind() async {
        var (current, taken) = (sockets.withLock { $0 }, 0)
        for index in current.indices where !current[index].isOpen {
            do {
                current[index] = try await UDPSocket.bind(to: current[index].localEndpoint, on: dht.eventLoop)
                taken += 1
            } catch {
                context.logger.debug("udp port cannot be taken again", metadata: ["error": "\(error)"])
            }
        }
        guard taken > 0 else { return }
        let all = current
        sockets.withLock { $0 = all }
        do {
            try await dht.replace(all)
            try await onSockets(all)
            context.logger.notice("udp port taken again")
        } catch {
            context.logger.debug("udp port cannot be used again", metadata: ["error": "\(error)"])
        }
    }
}
