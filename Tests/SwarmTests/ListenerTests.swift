// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Foundation
import NIOCore
import NIOPosix
import Swarm
import Synchronization
import Testing
import Transport
import Wire

@Suite("One port for torrents and sites")
struct ListenerTests {
    /// Speaks on its own loop as soon as it is connected, since who is silent is left, however busy the machine is; and takes
    /// down what it hears before it is closed.
    private final class Collector: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        let greeting: [UInt8]
        let heard = Mutex<[UInt8]>([])
        let closed = Mutex(false)

        init(greeting: [UInt8]) { self.greeting = greeting }

        func channelActive(context: ChannelHandlerContext) {
            context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(bytes: greeting)), promise: nil)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = Array(Self.unwrapInboundIn(data).readableBytesView)
            heard.withLock { $0 += bytes }
        }

        func channelInactive(context: ChannelHandlerContext) { closed.withLock { $0 = true } }
    }

    private func connect(_ address: Endpoint, sending bytes: [UInt8]) async throws -> (any Channel, Collector) {
        let collector = Collector(greeting: bytes)
        let sockets = TCPSockets(loop: MultiThreadedEventLoopGroup.singleton.next())
        let channel = try await sockets.connect(to: address, timeout: .seconds(60)) { channel in
            try channel.pipeline.syncOperations.addHandler(collector)
        }.get()
        return (channel, collector)
    }

    /// Waits until it is so: for a minute, which only a failure takes. The swarm itself has more patience, see
    /// ``SwarmTests/makeSwarm(encryption:)``.
    private func eventually(_ condition: () -> Bool) async throws -> Bool {
        for _ in 0..<12_000 {
            if condition() { return true }
            try await Task.sleep(for: .milliseconds(5))
        }
        return condition()
    }

    @Test("A registered hash gets its connections, with every byte that came; others are closed")
    func dispatch() async throws {
        let swarm = SwarmTests.makeSwarm()
        let address = try await swarm.listen(on: SwarmTests.loopback)
        let site = try #require(Digest160(Array(repeating: 5, count: 20)))
        let seen = Mutex<(Digest160, Int)?>(nil)
        swarm.listener.register(site) { connection in
            seen.withLock { $0 = (connection.hash, connection.received.readableBytes) }
        }
        let handshake = Handshake(capabilities: .extensions, hash: site, peerID: .zero).encoded
        let (first, _) = try await connect(address, sending: handshake)
        #expect(try await eventually { seen.withLock { $0?.0 == site && $0?.1 ?? 0 >= 48 } })
        let unknown = Handshake(capabilities: [], hash: .zero, peerID: .zero).encoded
        let (_, collector) = try await connect(address, sending: unknown)
        #expect(try await eventually { collector.closed.withLock { $0 } })
        #expect(collector.heard.withLock { $0.isEmpty }, "nothing is told to who does not know a hash")
        try await first.close().get()
        await swarm.shutdown()
    }

    @Test("What is neither a handshake nor hides one is closed after 628 bytes, and hears only a key")
    func noise() async throws {
        let swarm = SwarmTests.makeSwarm()
        let address = try await swarm.listen(on: SwarmTests.loopback)
        let (_, collector) = try await connect(address, sending: [UInt8](repeating: 71, count: 628))
        #expect(try await eventually { collector.closed.withLock { $0 } })
        #expect(collector.heard.withLock { $0.count } <= 96 + 512)
        await swarm.shutdown()
    }

    @Test(
        "`encryption`: off closes what is no plain handshake at once, require closes what is one, and neither says anything",
        arguments: [EncryptionPolicy.off, .require]
    )
    func policies(_ policy: EncryptionPolicy) async throws {
        let swarm = SwarmTests.makeSwarm(encryption: policy)
        let address = try await swarm.listen(on: SwarmTests.loopback)
        let hash = try #require(Digest160(Array(repeating: 5, count: 20)))
        swarm.listener.register(hash) { _ in Issue.record("accepted") }
        // Site exchange is plain under every policy.
        let site = try #require(Digest160(Array(repeating: 6, count: 20)))
        let greeted = Mutex(false)
        swarm.listener.register(site, isPlain: true) { connection in
            greeted.withLock { $0 = true }
            connection.close()
        }
        _ = try await connect(address, sending: Handshake(capabilities: [], hash: site, peerID: .zero).encoded)
        #expect(try await eventually { greeted.withLock { $0 } })
        let plain = Handshake(capabilities: [], hash: hash, peerID: .zero).encoded
        let (_, collector) = try await connect(address, sending: policy == .off ? [1, 2, 3] : plain)
        #expect(try await eventually { collector.closed.withLock { $0 } })
        #expect(collector.heard.withLock { $0.isEmpty })
        await swarm.shutdown()
    }

    @Test("A torrent's metadata that leads outside writes nothing there")
    func traversal() async throws {
        let sample = try SampleTorrent(kind: .v1, sizes: [20_000])
        let info: BencodeValue = [
            "files": [["length": 20_000, "path": ["..", "..", "escaped.bin"]]], "name": "..",
            "piece length": 32_768, "pieces": .bytes(Array(sample.metainfo.v1Pieces)),
        ]
        let metainfo = try Metainfo(torrentFile: (["info": info] as BencodeValue).encoded)
        let parent = try SampleTorrent.scratch()
        defer { try? FileManager.default.removeItem(at: parent) }
        let folder = parent.appending(path: "a")
        let storage = try DirectoryStorage(metainfo, at: folder.path)
        let bytes = sample.files[0].bytes
        // SAFETY: the array outlives the call.
        try unsafe storage.write(PieceIndex(0), bytes.span.bytes)
        #expect(try FileManager.default.contentsOfDirectory(atPath: parent.path) == ["a"])
    }

    @Test("A read waits for its piece, and the pieces that are read come first")
    func reading() async throws {
        let sample = try SampleTorrent(kind: .v2, sizes: [900_000])
        try sample.write()
        let target = try SampleTorrent.scratch()
        defer { for url in [sample.folder, target] { try? FileManager.default.removeItem(at: url) } }
        let seeder = SwarmTests.makeSwarm()
        let reader = SwarmTests.makeSwarm()
        let address = try await seeder.listen(on: SwarmTests.loopback)
        let count = sample.metainfo.pieceMap.pieceCount
        _ = try await seeder.add(
            sample.metainfo,
            storage: try DirectoryStorage(sample.metainfo, at: sample.folder.path),
            have: Bitfield(allSet: count)
        )
        let v2 = try #require(sample.metainfo.infoHashes.v2)
        let torrent = try await reader.add(
            sparse: v2,
            pieceLength: sample.metainfo.pieceLength,
            pieceCount: count,
            storage: try DirectoryStorage(sample.metainfo, at: target.path)
        )
        let files = try #require(TorrentContent(sample.metainfo)).hashedFiles
        #expect(await torrent.add(files: files))
        torrent.add(peers: [address], source: .user)
        let bytes = try await torrent.read(PieceIndex(20), offset: 100, count: 5000)
        let start = 20 * sample.metainfo.pieceLength + 100
        #expect(bytes == Array(sample.files[0].bytes[start..<start + 5000]))
        #expect(await torrent.verified()?.setCount == 1, "a reader fetches what it reads")
        await #expect(throws: Torrent.Failure.outOfRange) {
            try await torrent.read(PieceIndex(99), offset: 0, count: 1)
        }
        await reader.shutdown()
        await #expect(throws: Torrent.Failure.stopped) { try await torrent.read(PieceIndex(3), offset: 0, count: 1) }
        await seeder.shutdown()
    }

    @Test("S3-096: A download that was stopped goes on where it was")
    func restart() async throws {
        let sample = try SampleTorrent(kind: .v1, sizes: [700_000])
        try sample.write()
        let target = try SampleTorrent.scratch()
        defer { for url in [sample.folder, target] { try? FileManager.default.removeItem(at: url) } }
        let seeder = SwarmTests.makeSwarm()
        let address = try await seeder.listen(on: SwarmTests.loopback)
        let count = sample.metainfo.pieceMap.pieceCount
        _ = try await seeder.add(
            sample.metainfo,
            storage: try DirectoryStorage(sample.metainfo, at: sample.folder.path),
            have: Bitfield(allSet: count)
        )
        let first = SwarmTests.makeSwarm()
        let storage = try DirectoryStorage(sample.metainfo, at: target.path)
        let begun = try await first.add(
            sample.metainfo,
            storage: storage,
            have: Bitfield(count: count)
        ) { $0.wantsEverything = false }
        begun.add(peers: [address], source: .user)
        try await begun.waitFor(pieces: [3, 7, 8])
        try await begun.save()
        await first.shutdown()

        let again = try DirectoryStorage(sample.metainfo, at: target.path)
        let (verified, uncertain) = again.known()
        #expect(verified.indices == [3, 7, 8])
        #expect(uncertain.isEmpty)
        let second = SwarmTests.makeSwarm()
        let torrent = try await second.add(sample.metainfo, storage: again, have: verified)
        torrent.add(peers: [address], source: .user)
        try await SwarmTests.complete(torrent)
        #expect(await torrent.status()?.downloaded ?? 0 <= 700_000 - 3 * Int64(sample.metainfo.pieceLength) + 16_384)
        #expect(sample.isIdentical(in: target))
        await second.shutdown()
        await seeder.shutdown()
    }
}
