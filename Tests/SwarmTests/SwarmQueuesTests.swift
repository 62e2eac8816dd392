// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Foundation
import NIOCore
import NIOPosix
import Swarm
import Testing
import Transport
import Wire

@Suite("What all torrents together hold of peers")
struct SwarmQueuesTests {
    private static let connections = "connections of all torrents"
    private static let dials = "dials of all torrents"
    private static let greeting = "connections that have yet to say what they want"

    private static func queue(_ name: String, of swarm: Swarm) async throws -> SessionQueue {
        try #require(await swarm.queues().first { $0.name == name })
    }

    @Test("Connections, dials and those who have not said what they want have the bounds that are set, and begin empty")
    func bounds() async throws {
        let swarm = SwarmTests.makeSwarm()
        let greeting = SessionQueue(Self.greeting, 0, 256)
        #expect(
            await swarm.queues() == [
                SessionQueue(Self.connections, 0, 1000), SessionQueue(Self.dials, 0, 50), greeting,
            ]
        )
        swarm.setLimits(connections: 7, dials: 3)
        #expect(
            await swarm.queues() == [SessionQueue(Self.connections, 0, 7), SessionQueue(Self.dials, 0, 3), greeting]
        )
        await swarm.shutdown()
    }

    @Test("Who connects and says nothing counts until it goes")
    func silent() async throws {
        let swarm = SwarmTests.makeSwarm()
        let address = try await swarm.listen(on: SwarmTests.loopback)
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        var channels: [any Channel] = []
        for _ in 0..<3 {
            channels.append(try await bootstrap.connect(host: "127.0.0.1", port: Int(address.port)).get())
        }
        try await Self.until(Self.greeting, of: swarm, is: 3)
        try await channels[0].close().get()
        try await Self.until(Self.greeting, of: swarm, is: 2)
        for channel in channels.dropFirst() { try await channel.close().get() }
        try await Self.until(Self.greeting, of: swarm, is: 0)
        await swarm.shutdown()
    }

    @Test(
        "A torrent's connection counts on both sides, and no longer once its torrent is gone; a dial only until it is over"
    )
    func connected() async throws {
        let sample = try SampleTorrent(kind: .v1, sizes: [100_000])
        try sample.write()
        let target = try SampleTorrent.scratch()
        defer { for url in [sample.folder, target] { try? FileManager.default.removeItem(at: url) } }
        let (seeder, leecher) = (SwarmTests.makeSwarm(), SwarmTests.makeSwarm())
        let address = try await seeder.listen(on: SwarmTests.loopback)
        let count = sample.metainfo.pieceMap.pieceCount
        let source = try DirectoryStorage(sample.metainfo, at: sample.folder.path)
        _ = try await seeder.add(sample.metainfo, storage: source, have: Bitfield(allSet: count))
        let storage = try DirectoryStorage(sample.metainfo, at: target.path)
        // It reads now and then, and keeps its connection meanwhile.
        let torrent = try await leecher.add(sample.metainfo, storage: storage, have: Bitfield(count: count)) {
            $0.wantsEverything = false
        }
        torrent.add(peers: [address], source: .user)
        try await torrent.waitFor(pieces: [0])
        for swarm in [seeder, leecher] {
            #expect(try await Self.queue(Self.connections, of: swarm).used == 1)
            #expect(try await Self.queue(Self.dials, of: swarm).used == 0)
        }
        await leecher.remove(torrent)
        for swarm in [leecher, seeder] { try await Self.until(Self.connections, of: swarm, is: 0) }
        await leecher.shutdown()
        await seeder.shutdown()
    }

    @Test("uTP's own are there once there is a UDP port for it")
    func overUDP() async throws {
        let swarm = SwarmTests.makeSwarm()
        let before = await swarm.queues().count
        let socket = try await UDPSocket.bind(to: SwarmTests.loopback, on: swarm.eventLoop)
        try await swarm.useUDP([socket])
        let queues = await swarm.queues()
        #expect(queues.count > before)
        for queue in queues {
            #expect(queue.used == 0 && queue.bound > 0, "\(queue.name)")
            #expect(queues.count { $0.name == queue.name } == 1, "\(queue.name)")
        }
        await swarm.shutdown()
        await socket.close()
    }

    private static func until(_ name: String, of swarm: Swarm, is used: Int) async throws {
        for _ in 0..<12_000 {
            if try await queue(name, of: swarm).used == used { return }
            try await Task.sleep(for: .milliseconds(5))
        }
        Issue.record("\(name): \(try await queue(name, of: swarm).used), not \(used), after a minute")
    }
}
