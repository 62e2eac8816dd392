// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Feeds
import Foundation
import Kademlia
import Keys
import Logging
import NIOPosix
import Storage
import Swarm
import Synchronization
import Wire

@testable import Node

/// A DHT in which nobody is.
struct SilentNetwork: SiteNetwork {
    func peers(for hash: Digest160) -> AsyncStream<[Endpoint]> { AsyncStream { $0.finish() } }
    func readItem(key: PublicKey, salt: [UInt8]) async -> MutableItem? { nil }
    func putOnce(_ item: MutableItem) async -> SitePutReport { SitePutReport(stored: 0, newer: nil) }
    func announceHolding(_ hash: Digest160, isSeed: Bool) async -> Bool { false }
    func endAnnouncing(_ hash: Digest160) async {}
    func growthEvents() -> AsyncStream<Void> { AsyncStream { $0.finish() } }
}

/// Publishing, fetching and keeping of one node on loopback, over a home of its own.
final class PublishingNode: Sendable {
    let context: NodeContext
    let swarm: Swarm
    let address: Endpoint
    let sites: SiteService
    let swarms: SwarmService
    let publisher: Publisher
    let keeping: KeepingService
    let fetcher: Fetcher
    let pushKeeper: PushKeeper
    let names = GatewayNames(port: 8420)
    /// Beside the home.
    let folder: URL
    private let work: Mutex<Task<Void, any Error>?>

    /// In `world` it finds others; without it nobody.
    init(at folder: URL? = nil, in world: SiteWorld? = nil) async throws {
        let folder = folder ?? FileManager.default.temporaryDirectory.appending(path: "roost-\(UUID().uuidString)")
        self.folder = folder
        context = try SwarmNode.context(Home(path: folder.path + "/home"))
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        swarm = Swarm(
            loop: MultiThreadedEventLoopGroup.singleton.next(),
            configuration: .patient,
            logger: logger
        )
        address = try await swarm.listen(on: Endpoint(.v4(0x7F00_0001), port: 0))
        let inWorld = world.map { TestSiteNetwork(world: $0) }
        inWorld?.listens(on: address)
        let network: any SiteNetwork = inWorld ?? SilentNetwork()
        let swarms = SwarmService(context: context, swarm: swarm, finder: network, patience: .forOne)
        let sites = SiteService(
            context: context,
            network: network,
            listener: swarm.listener,
            listenPort: address.port,
            clock: ExchangeClock(slowness: 20)
        )
        self.swarms = swarms
        self.sites = sites
        publisher = Publisher(context: context, sites: sites, swarms: swarms)
        keeping = KeepingService(context: context, sites: sites, swarms: swarms)
        fetcher = Fetcher(context: context, sites: sites, swarms: swarms, patience: .seconds(240))
        pushKeeper = PushKeeper(context: context, sites: sites, keeping: keeping, listener: swarm.listener)
        let pushKeeper = pushKeeper
        work = Mutex(
            Task {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await swarms.run() }
                    group.addTask { try await sites.run() }
                    if world != nil { group.addTask { try await pushKeeper.run() } }
                    try await group.waitForAll()
                }
            }
        )
    }

    /// Writes a file below ``folder``.
    func write(_ text: String, to name: String) throws {
        let url = folder.appending(path: name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }

    func text(_ name: String) throws -> String {
        try String(contentsOf: folder.appending(path: name), encoding: .utf8)
    }

    func names(in name: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.appending(path: name).path).sorted()
    }

    func publish(
        _ name: String = "site",
        site: String? = nil,
        new: Bool = false,
        by: String? = nil,
        label: String? = nil,
        message: String? = nil
    ) async throws(NodeError) -> PublishResult {
        let directory = folder.appending(path: name).path
        let request = PublishRequest(
            directory: directory,
            site: site,
            new: new,
            by: by,
            label: label,
            message: message
        )
        return try await publisher.publish(request, names: names) { _ in }
    }

    func fetch(_ link: String, from peer: PublishingNode, to name: String?) async throws(NodeError) -> FetchResult {
        let directory = name.map { folder.appending(path: $0).path }
        let request = FetchRequest(link: link, directory: directory, peers: ["\(peer.address)"], trace: true)
        return try await fetcher.fetch(request) { _ in }
    }

    /// Changes a byte of a file of the content store behind the store's back.
    func damage(_ root: Digest256) throws { try StoredFile(root, in: context.home).rot() }

    /// Ends the services; the home stays.
    func stop() async {
        let task = work.withLock { task in
            defer { task = nil }
            return task
        }
        task?.cancel()
        try? await task?.value
        await swarm.shutdown()
        await context.blocking.shutdown()
    }

    /// Ends everything and removes the home.
    func end() async {
        await stop()
        try? FileManager.default.removeItem(at: folder)
    }
}
