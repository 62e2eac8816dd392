// SPDX-License-Identifier: Apache-2.0
import Feeds
import Foundation
import Keys
import Logging
import NIOPosix
import Storage
import Swarm
import Synchronization
import Testing
import Wire

@testable import Node

/// The sites of one node on loopback, over a home of its own.
final class SiteNode: Sendable {
    let context: NodeContext
    let swarm: Swarm
    let service: SiteService
    let address: Endpoint
    private let folder: URL
    private let work: Mutex<Task<Void, any Error>?>

    init(
        in world: SiteWorld,
        signers: [SigningKey] = [],
        serve: ServePolicy? = nil,
        pace: SiteDutySchedule.Pace = SiteDutySchedule.Pace(),
        tick: Duration = .seconds(5),
        beforeSigning: @escaping @Sendable () async -> Void = {}
    ) async throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "roost-\(UUID().uuidString)")
        let home = Home(path: folder.path)
        try home.prepare()
        context = try SwarmNode.context(home, serve: serve)
        swarm = Swarm(
            loop: MultiThreadedEventLoopGroup.singleton.next(),
            configuration: .patient,
            logger: context.logger
        )
        address = try await swarm.listen(on: Endpoint(.v4(0x7F00_0001), port: 0))
        let network = TestSiteNetwork(world: world)
        network.listens(on: address)
        let service = SiteService(
            context: context,
            network: network,
            listener: swarm.listener,
            listenPort: address.port,
            pace: pace,
            tick: tick,
            clock: ExchangeClock(slowness: 20),
            signer: { key in
                await beforeSigning()
                return signers.first { $0.publicKey == key }
            }
        )
        self.service = service
        work = Mutex(Task { try await service.run() })
    }

    var writer: FeedWriter { FeedWriter(service: service) }

    /// Takes over a feed from nowhere, as a thief would, and serves it.
    func hold(_ feed: SiteFeed) throws {
        _ = try service.feeds.merge(feed)
        service.hold(feed.site)
    }

    func refresh(_ site: Digest256, within limit: Duration = .seconds(60)) async throws -> SiteFeed {
        try #require(try await service.refresh(.site(site), within: limit).feed)
    }

    func end() async {
        let task = work.withLock { task in
            defer { task = nil }
            return task
        }
        task?.cancel()
        try? await task?.value
        await swarm.shutdown()
        await context.blocking.shutdown()
        try? FileManager.default.removeItem(at: folder)
    }

    /// Waits until something holds that comes about in the background; for three minutes, which only a failure takes.
    static func eventually(_ holds: () async throws -> Bool) async throws -> Bool {
        for _ in 0..<18_000 {
            if try await holds() { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }
}

/// An owner's keys and what they sign.
struct SiteOwner {
    let key: SigningKey
    let next: SigningKey
    let recovery: SigningKey
    let later: SigningKey

    init() throws {
        func key(_ number: UInt8) throws -> SigningKey {
            try #require(SigningKey(seed: [UInt8](repeating: number, count: 32)))
        }
        (self.key, next, recovery, later) = (try key(1), try key(2), try key(3), try key(4))
    }

    var site: Digest256 { key.publicKey.identifier }

    func create(on node: SiteNode) async throws -> SiteFeed {
        let feed = try await node.writer.create(
            key: key,
            next: next.publicKey.identifier,
            recovery: recovery.publicKey.identifier,
            first: { Self.release($0) }
        )
        try own(on: node)
        node.service.hold(site)
        return feed
    }

    /// Makes the site one of the node's own.
    func own(on node: SiteNode) throws {
        try node.context.metadata.write {
            try $0.save(SiteRecord(id: site, key: key.publicKey, title: "t", isOwn: true, addedAt: 0))
        }
    }

    /// `feed` with more releases, signed by whoever has `signer`.
    static func extend(_ feed: SiteFeed, _ releases: [Release], signer: SigningKey) throws -> SiteFeed {
        var log = feed.log
        for release in releases { try log.append(try #require(FeedEntry.release(release).encoded)) }
        let head = try #require(log.head(time: 5, signer: signer))
        return try #require(SiteFeed(log: log, head: head))
    }

    static func release(_ seq: Int64, label: String? = nil) -> Release {
        let mark = Hash.sha256(Array("\(seq) \(label ?? "")".utf8))
        return Release(
            seq: seq,
            label: label ?? "1.0.\(seq)",
            v2: mark,
            v1: mark.truncated,
            directory: Hash.sha256(mark.bytes),
            pieceLength: 65_536,
            pieces: 3,
            files: 2,
            bytes: 100_000,
            time: 1_790_000_000
        )
    }
}
