// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Kademlia
internal import Keys
internal import NIOCore
internal import NIOPosix
internal import Testing
internal import Transport
internal import Wire

/// Real sockets on loopback.
@Suite struct DHTServiceTests {
    private struct Peer {
        let socket: UDPSocket
        let service: DHTService

        func stop() async throws {
            try await service.shutdown()
            await socket.close()
        }
    }

    private func peer(
        _ host: String = "127.0.0.1",
        through entrance: Peer? = nil,
        state: String? = nil
    ) async throws -> Peer {
        let endpoint = try #require(IPAddress(host).map { Endpoint($0, port: 0) })
        let socket = try await UDPSocket.bind(to: endpoint, on: MultiThreadedEventLoopGroup.singleton.any())
        // Everybody here answers, however long a busy machine takes: what is tested is what is answered.
        var configuration = DHTConfiguration()
        configuration.leastPatience = .seconds(60)
        let service = try await DHTService.start(on: [socket], configuration: configuration, statePath: state)
        service.join(through: entrance.map { [$0.socket.localEndpoint] } ?? [])
        return Peer(socket: socket, service: service)
    }

    private func peers(_ count: Int, host: String = "127.0.0.1") async throws -> [Peer] {
        var peers = [try await peer(host)]
        while peers.count < count { peers.append(try await peer(host, through: peers[0])) }
        for peer in peers {
            while try await peer.service.inspect({ $0.nodeCount }) < min(count - 1, 4) {
                _ = try await peer.service.findNode(randomID())
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        return peers
    }

    /// Asks until it is so: what is stored with one node may not have reached all of those who are asked for it.
    private func until<Answer: Sendable>(
        _ isSo: (Answer) -> Bool,
        _ ask: () async throws -> Answer
    ) async throws -> Answer {
        while true {
            let answer = try await ask()
            if isSo(answer) { return answer }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private func randomID() -> NodeID {
        var generator = SystemRandomNumberGenerator()
        return .random(using: &generator)
    }

    @Test("Nodes on one loopback address find peers, items and each other", arguments: ["127.0.0.1", "::1"])
    func network(host: String) async throws {
        let all = try await peers(6, host: host)
        let infoHash = randomID()
        _ = try await until({ $0.stored >= 3 }) { try await all[1].service.announce(infoHash, port: 4242) }
        let found = try await until({ !$0.isEmpty }) {
            var found: [Endpoint] = []
            for await peers in all[4].service.peers(for: infoHash) { found += peers }
            return found
        }
        #expect(found == [Endpoint(all[1].socket.localEndpoint.address, port: 4242)])
        let key = try #require(SigningKey(seed: Array(repeating: 5, count: 32)))
        var sequence: Int64 = 0
        for number in 1...2 as ClosedRange<Int64> {
            let value = BencodeValue.integer(number).encoded
            _ = try await until({ $0.stored >= 3 }) {
                let (item, report) = try await all[2].service.update(with: key, salt: [9], value: value)
                sequence += 1
                #expect(item.sequence == sequence)
                return report
            }
        }
        let newest = BencodeValue.integer(2).encoded
        _ = try await until({ $0.item?.value == newest }) { try await all[5].service.mutable(key.publicKey, salt: [9]) }
        for peer in all { try await peer.stop() }
    }

    @Test("What a node knew is there again after a restart, and it finds its network without an entrance")
    func restart() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "roost-dht-\(UUID()).state").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let all = try await peers(3)
        let first = try await peer(through: all[0], state: path)
        let key = try #require(SigningKey(seed: Array(repeating: 6, count: 32)))
        let (item, _) = try await first.service.update(with: key, value: BencodeValue.string("stays").encoded)
        let id = try await first.service.inspect { $0.id }
        while try await first.service.inspect({ $0.nodeCount }) == 0 { try await Task.sleep(for: .milliseconds(20)) }
        try await first.stop()
        let second = try await peer(state: path)
        #expect(try await second.service.inspect { $0.id } == id)
        while try await second.service.inspect({ $0.nodeCount }) == 0 { try await Task.sleep(for: .milliseconds(20)) }
        let report = try await second.service.mutable(key.publicKey)
        #expect(report.item == item)
        #expect(report.highestKnown == 1)
        for peer in all + [second] { try await peer.stop() }
    }

    @Test("The number 2^63 - 1 cannot be followed, which is said")
    func exhausted() async throws {
        let all = try await peers(2)
        let key = try #require(SigningKey(seed: Array(repeating: 7, count: 32)))
        let value = BencodeValue.string("x").encoded
        _ = try await all[0].service.update(with: key, value: value, minimum: .max)
        await #expect(throws: DHTServiceError.sequenceExhausted) {
            try await all[1].service.update(with: key, value: value)
        }
        for peer in all { try await peer.stop() }
    }

    @Test("An address that cannot be sent to costs its datagram and not the socket")
    func unsendable() async throws {
        let socket = try await UDPSocket.bind(
            to: Endpoint(.v4(0x7F00_0001), port: 0),
            on: MultiThreadedEventLoopGroup.singleton.any()
        )
        let results = try await socket.eventLoop.submit {
            [0xFFFF_FFFF, 0x0000_0000, 0xE000_0001, 0x0808_0808, 0x7F00_0001].map {
                socket.send([1], to: Endpoint(.v4($0), port: 9))
            }
        }.get()
        #expect(results.first != 0)
        #expect(results.last == 0)
        await socket.close()
    }

    @Test("Shutting down ends the commands under way as cancelled")
    func shutdown() async throws {
        let one = try await peer()
        one.service.join(through: [Endpoint(.v4(0x7F00_0001), port: 1)])
        async let outcome = one.service.run(.findNode(.zero))
        try await Task.sleep(for: .milliseconds(20))
        try await one.stop()
        switch await outcome {
        case .cancelled, .nodes: break
        case let other: Issue.record("\(other)")
        }
    }
}
