// SPDX-License-Identifier: Apache-2.0
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Storage
internal import Swarm
internal import Transport
internal import Wire

/// What a node stands on: its stores, its ports, its DHT.
struct NodeParts {
    let context: NodeContext
    let swarm: Swarm
    let network: NetworkService
    /// Where peers reach the node: IPv4 before IPv6.
    let listens: [Endpoint]

    /// Opens the stores of a home that this process holds, and binds the port for peers.
    static func open(_ options: NodeOptions) async throws -> NodeParts {
        let context = try context(options)
        var configuration = SwarmConfiguration(cores: System.coreCount)
        configuration.client = "Roost \(options.version)"
        let limits = options.configuration.limits
        configuration.maximumConnections = limits.maximumPeers
        configuration.maximumDials = limits.maximumDials
        configuration.rates = TransferRates(limits.everything)
        configuration.encryption = options.configuration.encryption
        let congestion = options.configuration.localCongestion
        configuration.tcp.localCongestionControl = congestion.isEmpty ? nil : congestion
        let swarm = Swarm(loop: context.group.next(), configuration: configuration, logger: options.logger)
        swarm.setRates(TransferRates(limits.network), ofClass: options.configuration.network)
        do {
            let port = try await PeerPort.bind(
                options.configuration.listen,
                beside: options.configuration.effectiveListen6,
                on: swarm.eventLoop,
                listen: { try await swarm.listen(on: $0) }
            )
            let (sockets, listens) = (port.udp, port.tcp)
            if let absence = port.absence {
                options.logger.info("no ipv6 beside ipv4", metadata: ["why": "\(absence)"])
            }
            try await swarm.useUDP(sockets)
            let usesLocal = options.configuration.effectiveLocalDiscovery
            let local = usesLocal ? LocalPeers.start(listens: listens, loop: context.group.next(), swarm: swarm) : nil
            let mapper =
                options.configuration.effectivePortMapping
                ? PortMapper(
                    port: listens[0].port,
                    six: listens.first { !$0.address.isV4 }?.address,
                    logger: options.logger
                ) : nil
            let network = try await NetworkService.start(
                context: context,
                sockets: sockets,
                absence: port.absence,
                local: local,
                mapper: mapper,
                onSockets: { try await swarm.useUDP($0) },
                onAddresses: { swarm.setReached(at: $0) }
            )
            return NodeParts(context: context, swarm: swarm, network: network, listens: listens)
        } catch {
            await swarm.shutdown()
            throw error
        }
    }

    /// The stores of a home that this process holds. Throws ``NodeError`` too.
    static func context(_ options: NodeOptions) throws -> NodeContext {
        guard !options.home.hasLostDatabase else { throw NodeError(lostDatabaseOf: options.home) }
        let content = try ContentStore(home: options.home)
        let metadata = try MetadataStore(path: options.home.database)
        let rules = try metadata.read { try $0.denyRules() }
        let admission = Admission(rules: rules, allowsUnsolicited: options.configuration.effectiveAcceptPushes)
        for list in try options.home.readDenyLists() { admission.replace(list: list.name, with: list.rules) }
        return NodeContext(
            home: options.home,
            content: content,
            metadata: metadata,
            admission: admission,
            keeper: Keeper(content: content, metadata: metadata),
            keys: try NodeKeys.open(home: options.home, passphrases: options.passphrases),
            settings: LiveConfiguration(options.configuration, entries: options.entries),
            group: MultiThreadedEventLoopGroup.singleton,
            blocking: BlockingPool(threads: 4),
            logger: options.logger,
            version: options.version
        )
    }
}
