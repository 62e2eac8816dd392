// SPDX-License-Identifier: Apache-2.0
import Feeds
import Foundation
import Kademlia
import Keys
import Logging
import NIOCore
import Storage
import Swarm
import Synchronization
import Testing
import Transport
import Wire

@testable import Node

/// Nodes of one DHT of their own, on loopback.
@Suite(.timeLimit(.minutes(2))) struct NetworkServiceTests {
    /// One service with a home of its own, at work.
    private struct Station {
        let home: Home
        let network: NetworkService
        let admission: Admission
        let work: Task<Void, any Error>

        func stop() async {
            work.cancel()
            _ = await work.result
            await network.shutdown()
        }
    }

    private func station(
        through entrance: Station? = nil,
        home: Home? = nil,
        port: UInt16 = 0,
        serve: ServePolicy = .whileOpen
    ) async throws -> Station {
        let home = home ?? Home(path: NSTemporaryDirectory() + "roost-network-" + UUID().uuidString)
        var configuration = NodeConfiguration()
        configuration.network = "none"
        configuration.serve = serve
        configuration.bootstrap = entrance.map { [$0.network.localEndpoint.description] } ?? []
        let options = NodeOptions(
            home: home,
            configuration: configuration,
            version: "test",
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        try home.prepare()
        let context = try NodeParts.context(options)
        let listen = Endpoint(.v4(0x7F00_0001), port: port)
        let network = try await NetworkService.start(context: context, listen: listen)
        let work = Task { try await network.run() }
        return Station(home: home, network: network, admission: context.admission, work: work)
    }

    private func stations(_ count: Int) async throws -> [Station] {
        var all = [try await station()]
        while all.count < count { all.append(try await station(through: all[0])) }
        for one in all {
            while await one.network.nodeCount < count - 1 {
                _ = try await one.network.findNode(.zero)
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        return all
    }

    private func close(_ all: [Station]) async {
        for one in all {
            await one.stop()
            try? FileManager.default.removeItem(atPath: one.home.path)
        }
    }

    private func key(_ byte: UInt8) throws -> SigningKey {
        try #require(SigningKey(seed: Array(repeating: byte, count: 32)))
    }

    /// Asks until the answer is as it should be, for as long as the suite may take: a DHT waits a tenth of a second for answers
    /// where they used to come at once, and on a busy machine some come later.
    private func until<Answer: Sendable>(
        _ isRight: (Answer) -> Bool,
        _ ask: () async throws -> Answer
    ) async throws -> Answer {
        while true {
            do {
                let answer = try await ask()
                if isRight(answer) { return answer }
            } catch let error as NodeError where error.kind == .unavailable {}
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private func peers(of hash: Digest160, at station: Station) async -> [Endpoint] {
        var found: [Endpoint] = []
        for await peers in station.network.peers(for: hash) { found += peers }
        return found
    }

    @Test("What one node announces others find, until it withdraws it; strangers' queries show that it is reachable")
    func announces() async throws {
        let all = try await stations(3)
        let hash = Digest256.zero.truncated
        _ = try await until({ $0 == 2 }) { try await all[1].network.announce(hash) }
        _ = try await until({ $0 == [all[1].network.localEndpoint] }) { await peers(of: hash, at: all[2]) }
        #expect(await all[0].network.status().reachable)
        #expect(await all[0].network.status().dhtNodes == 2)
        let table = await all[0].network.table()
        #expect(table.buckets.reduce(0) { $0 + $1.nodes.count } == 2)
        #expect(table.announces == 1)
        let found = try await until({ $0.nodes.count == 2 }) { try await all[0].network.find(Digest160.zero.hex) }
        #expect((found.nodes + found.path).allSatisfy { $0.distance == $0.id }, "the distance to zero is the id itself")
        let distances = found.path.map(\.id)
        #expect(!distances.isEmpty && zip(distances, distances.dropFirst()).allSatisfy { $0 > $1 }, "S3-010")
        await close(all)
    }

    @Test("Items are put, read and replaced, immutable and signed ones, through the words of the commands")
    func items() async throws {
        let all = try await stations(3)
        let plain = try await until({ $0.nodes == 2 }) { try await all[0].network.put("hello", by: nil, salt: nil) }
        let stored = DHTItemQuery(target: plain.target)
        let read = try await until({ $0.nodes > 0 }) { try await all[2].network.get(stored) }
        #expect(read.value == Hex.encode(Array("5:hello".utf8)))
        for number in 1...2 as ClosedRange<Int64> {
            let put = try await all[0].network.put("text \(number)", by: key(1), salt: "ff")
            #expect(put.seq == number)
        }
        let query = DHTItemQuery(key: Hex.encode(try key(1).publicKey.bytes), salt: "ff")
        let signed = try await until({ $0.seq == 2 }) { try await all[1].network.get(query) }
        #expect(signed.value == Hex.encode(Array("6:text 2".utf8)))
        let keys = all[0].network.context.keys
        _ = try keys.newIdentity(name: "alice")
        let byName = try await until({ $0.nodes == 2 }) {
            try await all[0].network.put(DHTPutRequest(value: "mine", by: "alice"))
        }
        #expect(
            byName.key == Hex.encode(try keys.identityKeys(of: try keys.knownIdentity("alice")).rootKey.publicKey.bytes)
        )
        let stranger = DHTPutRequest(value: "mine", by: "bob")
        await #expect { try await all[0].network.put(stranger) } throws: { ($0 as? NodeError)?.kind == .noInput }
        await close(all)
    }

    @Test("Words that name nothing are refused with what to give instead")
    func refusals() async throws {
        let only = try await station()
        let missing = DHTItemQuery(target: String(repeating: "0", count: 40))
        await #expect { try await only.network.get(missing) } throws: { ($0 as? NodeError)?.kind == .unavailable }
        for query in [
            DHTItemQuery(), DHTItemQuery(target: "xyz"), DHTItemQuery(key: "00"),
            DHTItemQuery(key: String(repeating: "0", count: 64), salt: String(repeating: "0", count: 130)),
        ] {
            await #expect { try await only.network.get(query) } throws: { ($0 as? NodeError)?.kind == .usage }
        }
        let long = String(repeating: "a", count: 1000)
        await #expect { try await only.network.put(long, by: nil, salt: nil) } throws: {
            ($0 as? NodeError)?.kind == .usage
        }
        await #expect { try await only.network.put("a", by: nil, salt: "00") } throws: {
            ($0 as? NodeError)?.kind == .usage
        }
        await close([only])
    }

    @Test("An empty network finds nobody, and what was announced in it reaches the first node that comes")
    func emptyNetwork() async throws {
        let first = try await station()
        let hash = Digest256.zero.truncated
        #expect(await peers(of: hash, at: first).isEmpty)
        #expect(try await first.network.announce(hash) == 0)
        let growth = first.network.growth.stream()
        let second = try await station(through: first)
        #expect(await growth.first { true } != nil)
        #expect(await second.network.settle(within: .seconds(60)))
        _ = try await until({ $0 == [first.network.localEndpoint] }) { await peers(of: hash, at: second) }
        await close([first, second])
    }

    @Test("After a restart no item older than one seen before is given out, whoever offers it")
    func rollback() async throws {
        let reader = try await station()
        let key = try key(2)
        let old = try MutableItem.signed(value: Array("3:old".utf8), sequence: 1, by: key)
        let new = try MutableItem.signed(value: Array("3:new".utf8), sequence: 2, by: key)
        let owner = try await station(through: reader)
        _ = try await until({ $0 > 0 }) { try await owner.network.put(new) }
        _ = try await until({ $0 == new }) { try await reader.network.mutableItem(key: key.publicKey)?.item }
        await close([owner])
        await reader.stop()

        let liar = try await station()
        try await liar.network.put(old)
        let again = try await station(through: liar, home: reader.home)
        #expect(try await again.network.mutableItem(key: key.publicKey) == nil)
        let signed = try await again.network.update(with: key, value: Array("4:next".utf8))
        #expect(signed.item.sequence == 3, "nothing is signed under a number that was used before")
        await close([liar, again])
    }

    @Test("A damaged or missing state file costs what was known, and nothing else", arguments: [true, false])
    func lostState(isDamaged: Bool) async throws {
        let first = try await station()
        let second = try await station(through: first)
        let put = try await until({ $0.nodes == 1 }) { try await second.network.put("a", by: key(3), salt: nil) }
        let seq = try #require(put.seq)
        await second.stop()
        let path = second.home.path + "/dht-none.state"
        #expect(FileManager.default.fileExists(atPath: path))
        if isDamaged {
            try Data("d1:v".utf8).write(to: URL(fileURLWithPath: path))
        } else {
            try FileManager.default.removeItem(atPath: path)
        }
        let again = try await station(through: first, home: second.home)
        // What it knew is known to others, who may take a while to say it.
        let query = DHTItemQuery(key: Hex.encode(try key(3).publicKey.bytes))
        _ = try await until({ $0.seq == seq }) { try await again.network.get(query) }
        #expect(try await again.network.put("b", by: key(3), salt: nil).seq == seq + 1)
        await close([first, again])
    }

    @Test("Own items outlive a restart and find their way into a network that forgot them")
    func keptItems() async throws {
        let owner = try await station()
        let key = try key(4)
        _ = try await owner.network.update(with: key, value: Array("4:kept".utf8))
        await owner.stop()
        let reader = try await station()
        let again = try await station(through: reader, home: owner.home)
        let query = DHTItemQuery(key: Hex.encode(key.publicKey.bytes))
        var found: DHTItemResult?
        while found == nil {
            found = try? await reader.network.get(query)
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(found?.seq == 1)
        await close([reader, again])
    }

    @Test("What a rule denies is neither announced nor noted for others, from the moment the rule is there")
    func denied() async throws {
        let all = try await stations(2)
        let key = try key(5)
        let site = key.publicKey.identifier
        all[0].admission.add(AdmissionRule(subject: .site(site), reason: "test"))
        #expect(try await all[1].network.announce(site.truncated) == 0)
        await #expect { try await all[0].network.announce(site.truncated) } throws: {
            ($0 as? NodeError)?.kind == .denied
        }
        #expect(await peers(of: site.truncated, at: all[0]).isEmpty)
        #expect(try await all[1].network.update(with: key, value: Array("1:a".utf8)).nodes == 0)
        await #expect { try await all[0].network.mutableItem(key: key.publicKey) } throws: {
            ($0 as? NodeError)?.kind == .denied
        }
        await close(all)
    }

    @Test("A port that is taken is said to be; a free pair for TCP and UDP is looked for")
    func ports() async throws {
        let one = try await station()
        let taken = one.network.localEndpoint
        let context = one.network.context
        await #expect { try await NetworkService.start(context: context, listen: taken) } throws: {
            ($0 as? NodeError)?.kind == .busy
        }
        var attempts: [UInt16] = []
        let pair = try await PeerPort.bind(Endpoint(taken.address, port: 0), on: context.group.next()) { endpoints in
            attempts.append(endpoints[0].port)
            guard attempts.count > 2 else { throw NodeError(.busy, "taken", remedy: "") }
            return endpoints[0].port
        }
        #expect(pair.udp[0].localEndpoint.port == pair.tcp)
        #expect(attempts.last == pair.tcp)
        await pair.udp[0].close()
        await close([one])
    }

    @Test("A socket that the system closes is replaced on the same port, with everything that was known")
    func rebound() async throws {
        let all = try await stations(2)
        let endpoint = all[0].network.localEndpoint
        let plain = try await all[1].network.put("kept", by: nil, salt: nil)
        await all[0].network.closeSockets()
        let hash = Digest256.zero.truncated
        while try await all[1].network.announce(hash) == 0 { try await Task.sleep(for: .milliseconds(50)) }
        #expect(all[0].network.localEndpoint == endpoint)
        let kept = Hex.encode(Array("4:kept".utf8))
        _ = try await until({ $0.value == kept }) { try await all[0].network.get(DHTItemQuery(target: plain.target)) }
        await close(all)
    }

    /// Notes that something of uTP came.
    private final class UTPProbe: DatagramReceiver, Sendable {
        let answers = Atomic(0)
        func receive(_ datagram: ByteBuffer, from source: Endpoint) { answers.add(1, ordering: .relaxed) }
    }

    @Test("BEP 29: uTP is answered on the socket that took the place of one that the system closed")
    func reboundForPeers() async throws {
        let home = Home(path: NSTemporaryDirectory() + "roost-network-" + UUID().uuidString)
        try home.prepare()
        var configuration = NodeConfiguration()
        configuration.network = "none"
        configuration.listen = Endpoint(.v4(0x7F00_0001), port: 0)
        let options = NodeOptions(
            home: home,
            configuration: configuration,
            version: "test",
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let parts = try await NodeParts.open(options)
        let work = Task { try await parts.network.run() }
        let asker = try await UDPSocket.bind(to: configuration.listen, on: parts.context.group.next())
        let probe = UTPProbe()
        try await asker.eventLoop.submit { asker.register(probe, for: .utp) }.get()
        await parts.network.closeSockets()
        // A SYN (BEP 29 "packet types"), each time of another connection.
        var number: UInt8 = 0
        while probe.answers.load(ordering: .relaxed) == 0 {
            number &+= 1
            let syn: [UInt8] = [0x41, 0, 9, number] + Array(repeating: 0, count: 11) + [0xFF, 0, 1, 0, 0]
            let endpoint = parts.network.localEndpoint
            try await asker.eventLoop.submit { _ = asker.send(syn, to: endpoint) }.get()
            try await Task.sleep(for: .milliseconds(20))
        }
        work.cancel()
        _ = await work.result
        await asker.close()
        await parts.network.shutdown()
        await parts.swarm.shutdown()
        try? FileManager.default.removeItem(atPath: home.path)
    }
}
