// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Feeds
import Foundation
import Logging
import NIOPosix
import Storage
import Swarm
import Synchronization
import TestSupport
import Wire

@testable import Node

/// The torrents of one node on loopback, over a home of its own.
final class SwarmNode: Sendable {
    let context: NodeContext
    let swarm: Swarm
    let service: SwarmService
    let address: Endpoint
    private let folder: URL
    private let work: Mutex<Task<Void, any Error>?>

    init(patience: FetchPatience = .forOne, finder: TestFinder = TestFinder()) async throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "roost-\(UUID().uuidString)")
        let home = Home(path: folder.path)
        context = try Self.context(home)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        swarm = Swarm(
            loop: MultiThreadedEventLoopGroup.singleton.next(),
            configuration: .patient,
            logger: logger
        )
        address = try await swarm.listen(on: Endpoint(.v4(0x7F00_0001), port: 0))
        let service = SwarmService(context: context, swarm: swarm, finder: finder, patience: patience)
        self.service = service
        work = Mutex(Task { try await service.run() })
    }

    static func context(_ home: Home, serve: ServePolicy? = nil) throws -> NodeContext {
        var configuration = NodeConfiguration()
        configuration.serve = serve
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let content = try ContentStore(home: home)
        let metadata = try MetadataStore(path: home.database)
        return NodeContext(
            home: home,
            content: content,
            metadata: metadata,
            admission: Admission(rules: []),
            keeper: Keeper(content: content, metadata: metadata),
            keys: NodeKeys(home: home),
            settings: LiveConfiguration(configuration, entries: []),
            group: MultiThreadedEventLoopGroup.singleton,
            blocking: BlockingPool(threads: 2),
            logger: logger,
            version: "0"
        )
    }

    /// Ends everything and removes the home.
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

    /// Publishes files of these sizes; equal `alike` numbers give equal bytes.
    func publish(_ files: [(path: String, bytes: [UInt8])], seq: Int64 = 1) throws -> PublishedSite {
        let site = folder.appending(path: "../roost-site-\(UUID().uuidString)").standardized
        defer { try? FileManager.default.removeItem(at: site) }
        for file in files {
            let url = site.appending(path: file.path)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(file.bytes).write(to: url)
        }
        let tree = try PublishPass.run(folder: site.path, into: context.content)
        let release = Release(
            seq: seq,
            label: "1.0.\(seq)",
            v2: tree.hashes.v2 ?? .zero,
            v1: tree.hashes.v1,
            directory: tree.directory,
            pieceLength: tree.tree.pieceLength,
            pieces: tree.tree.pieceCount,
            files: tree.tree.manifest.files.count,
            bytes: tree.bytes,
            time: 0
        )
        let published = PublishedSite(release: SiteRelease(site: PublishedSite.id, release: release), tree: tree)
        try context.metadata.write { try tree.save(as: published.release.record, in: $0) }
        return published
    }

    func serveAll() async throws { try await service.serve(site: PublishedSite.id) }

    func holds(_ site: PublishedSite) -> Bool { site.tree.tree.missingFiles(in: context.content).isEmpty }
}

struct PublishedSite: Sendable {
    static let id = Digest256([UInt8](repeating: 7, count: 32)) ?? .zero

    var release: SiteRelease
    let tree: PublishedTree

    var manifest: ReleaseManifest { tree.tree.manifest }
    var v2: ServedTorrent { ServedTorrent(site: release.site, sequence: release.release.seq, kind: .v2) }
    var v1: ServedTorrent { ServedTorrent(site: release.site, sequence: release.release.seq, kind: .v1) }
    var v2Hash: Digest160 { release.release.v2.truncated }

    func file(_ path: String) throws -> DirectoryFile {
        let number = tree.tree.file(at: path.split(separator: "/").map(String.init)) ?? -1
        let file = manifest.files[number]
        return DirectoryFile(
            length: file.length,
            root: file.root,
            firstPiece: tree.tree.firstPieces[number],
            isExecutable: file.isExecutable
        )
    }
}

extension FetchPatience {
    /// Where one way is tested: it has all the time it needs, however busy the machine is, and no other is tried beside it.
    static let forOne = FetchPatience(twin: .seconds(240), lonely: .seconds(240), alone: .seconds(240))
}

extension KnownPeers {
    /// Tried until it answers: any other address is forgotten after eight failures, which a busy machine brings together in
    /// two minutes, and nobody here names it again.
    static func named(_ peer: Endpoint) -> KnownPeers { KnownPeers(named: [peer]) }
}

extension SwarmConfiguration {
    /// Of a node that hears out who is slow.
    static var patient: SwarmConfiguration {
        var configuration = SwarmConfiguration(cores: 2)
        configuration.greetingPatience = .seconds(3600)
        return configuration
    }
}

/// A DHT that knows what it is told.
final class TestFinder: PeerFinding {
    private let known = Mutex<[Digest160: [Endpoint]]>([:])

    func add(_ peer: Endpoint, for hash: Digest160) { known.withLock { $0[hash, default: []].append(peer) } }

    func peers(for hash: Digest160) -> AsyncStream<[Endpoint]> {
        let peers = known.withLock { $0[hash] ?? [] }
        return AsyncStream(bufferingPolicy: .bufferingOldest(1)) { continuation in
            if !peers.isEmpty { continuation.yield(peers) }
            continuation.finish()
        }
    }
}
