// SPDX-License-Identifier: Apache-2.0
internal import Logging
internal import NIOCore
internal import NIOPosix
public import ServiceLifecycle
internal import Storage
internal import Synchronization
internal import Wire

/// One running node: one home, its sites, its peers.
///
/// Opened with ``open(_:)``, which takes the home and binds the sockets for peers; ``run()`` then does the work until a
/// graceful shutdown, a cancellation or ``stop()``, and leaves everything on disk within 5 s.
public final class Node: Service {
    let context: NodeContext
    private let lock: HomeLock
    private let startedAt = ContinuousClock.now
    private let addresses = Mutex<NodeAddress?>(nil)
    private let stopping = StopSignal()

    private init(context: NodeContext, lock: HomeLock) {
        self.context = context
        self.lock = lock
    }

    /// Takes the home and everything in it. Throws `.busy` where another node has it.
    public static func open(_ options: NodeOptions) async throws(NodeError) -> Node {
        do {
            let lock = try options.home.open()
            let content = try ContentStore(home: options.home)
            let metadata = try MetadataStore(path: options.home.database)
            let rules = try metadata.read { try $0.denyRules() }
            let context = NodeContext(
                home: options.home,
                content: content,
                metadata: metadata,
                admission: Admission(rules: rules),
                keeper: Keeper(content: content, metadata: metadata),
                keys: try NodeKeys.open(home: options.home, passphrases: options.passphrases),
                settings: LiveConfiguration(options.configuration, entries: options.entries),
                group: MultiThreadedEventLoopGroup.singleton,
                blocking: BlockingPool(threads: 4),
                logger: options.logger,
                version: options.version
            )
            return Node(context: context, lock: lock)
        } catch {
            throw NodeError(unexpected: error)
        }
    }

    /// Says where the gateway and the control API listen, which links and ``status()`` name.
    public func servers(at addresses: NodeAddress) {
        self.addresses.withLock { $0 = addresses }
    }

    var names: GatewayNames {
        GatewayNames(port: addresses.withLock { $0?.gateway.port } ?? context.configuration.gateway.port)
    }

    public func run() async throws {
        await stopping.wait()
        await context.blocking.shutdown()
    }
}
