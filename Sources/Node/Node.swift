// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Logging
internal import NIOCore
internal import NIOPosix
public import ServiceLifecycle
internal import Storage
internal import Swarm
internal import Synchronization
internal import Transport
public import Wire

/// One running node: one home, its sites, its peers.
///
/// Opened with ``open(_:)``, which takes the home and binds the sockets for peers; ``run()`` then does the work until a
/// graceful shutdown, a cancellation or ``stop()``, and leaves everything on disk within 5 s.
public final class Node: Service, NodeControl {
    let context: NodeContext
    let network: NetworkService
    let swarm: Swarm
    let swarms: SwarmService
    let sites: SiteService
    let publisher: Publisher
    let keeping: KeepingService
    let pushKeeper: PushKeeper
    let trackers: SiteTrackers
    let trees = TreeShelf()
    let places = FilePlaces()
    let visits = SiteVisits()
    let hints = LinkHints()
    let stopping = StopSignal()
    /// Where peers reach this node, TCP and UDP alike: over IPv4, where it listens there.
    public var listen: Endpoint { listens[0] }
    /// The same in every family, IPv4 first; all of one port.
    public let listens: [Endpoint]
    let startedAt = ContinuousClock.now
    let endsUnused: Bool
    /// Let go when everything is on disk, so that the next node may open the home.
    private let lock: Mutex<HomeLock?>
    private let addresses = Mutex<NodeAddress?>(nil)

    private init(_ options: NodeOptions, parts: NodeParts, lock: HomeLock) {
        context = parts.context
        network = parts.network
        swarm = parts.swarm
        listens = parts.listens
        let swarms = SwarmService(context: parts.context, swarm: parts.swarm, finder: parts.network)
        self.swarms = swarms
        let keys = parts.context.keys
        sites = SiteService(
            context: parts.context,
            network: parts.network,
            listener: parts.swarm.listener,
            listenPort: parts.listens[0].port,
            signer: { keys.siteSigner(for: $0) },
            onHolder: { swarms.enqueue.yield(.holder($0, $1)) },
            onMeeting: { swarms.swarm.prepare($0) }
        )
        publisher = Publisher(context: parts.context, sites: sites, swarms: swarms)
        keeping = KeepingService(context: parts.context, sites: sites, swarms: swarms)
        pushKeeper = PushKeeper(context: parts.context, sites: sites, keeping: keeping, listener: parts.swarm.listener)
        trackers = SiteTrackers(context: parts.context, sites: sites, swarm: parts.swarm)
        endsUnused = options.endsUnused
        self.lock = Mutex(lock)
    }

    /// Takes the home and everything in it. Throws `.busy` where another node has it, or the port.
    public static func open(_ options: NodeOptions) async throws(NodeError) -> Node {
        do {
            let lock = try options.home.open()
            let parts = try await NodeParts.open(options)
            return Node(options, parts: parts, lock: lock)
        } catch {
            throw NodeError(unexpected: error)
        }
    }

    /// Says where the gateway and the control API listen, which links and ``status()`` name.
    public func servers(at addresses: NodeAddress) {
        self.addresses.withLock { $0 = addresses }
    }

    var gateway: Endpoint { addresses.withLock { $0?.gateway } ?? context.configuration.gateway }
    var control: Endpoint { addresses.withLock { $0?.control } ?? context.configuration.control }
    var names: GatewayNames { GatewayNames(port: gateway.port) }

    /// Works until ``stop()``, a graceful shutdown or cancellation.
    public func run() async throws {
        try await beginServing()
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.network.run() }
            group.addTask { await self.network.mapper?.run() }
            group.addTask { try await self.swarms.run() }
            group.addTask { try await self.sites.run() }
            group.addTask { await self.sites.prepareDirectories() }
            group.addTask { try await self.keeping.run() }
            group.addTask { try await self.pushKeeper.run() }
            group.addTask { try await self.trackers.run() }
            group.addTask {
                await self.visits.run { await self.look($0) }
            }
            if endsUnused { group.addTask { await self.endWhenUnused() } }
            await stopping.wait()
            group.cancelAll()
            while let result = await group.nextResult() {
                if case .failure(let error) = result, !(error is CancellationError) {
                    context.logger.error("a service ended", metadata: ["error": "\(error)"])
                }
            }
        }
        await close()
    }

    /// What is held and may be served can be asked for from now on.
    private func beginServing() async throws {
        let metadata = context.metadata
        let records = try await context.blocking.run { try metadata.read { try $0.sites() } }
        await keeping.thin(isIdle: true)
        for record in records { await keeping.serve(record.id) }
        await publisher.clearUnfinished()
    }

    private func close() async {
        await swarm.shutdown()
        await network.shutdown()
        let context = context
        do {
            try await context.blocking.runToEnd {
                try context.keeper.flush()
                try context.content.checkpoint()
                try context.metadata.checkpoint()
            }
        } catch {
            context.logger.error("the stores could not be closed", metadata: ["error": "\(error)"])
        }
        await context.blocking.shutdown()
        lock.withLock { $0 = nil }
    }

    /// Removes at once what goes beyond the quota, as otherwise every minute: for trials of what a crash leaves.
    package func enforceQuota() async throws(NodeError) { _ = try await keeping.enforceQuota() }

    /// Ends ``run()`` within 5 s; safe to repeat.
    public func stop() async { stopping.stop() }
}
