// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Testing
internal import Wire

@testable internal import Kademlia

/// S3-011: whole nodes in virtual time (`docs/protocols/zone-announcement.md`).
@Suite struct ZoneTests {
    private static let network: [UInt8] = [5, 5]

    private func key(_ index: Int) -> SigningKey? { SigningKey(seed: Array(repeating: UInt8(index + 1), count: 32)) }

    /// `zone`: which nodes take part.
    private func network(
        _ count: Int,
        loss: Double = 0,
        capacity: Int = ZoneSpecification.maximumRecords,
        zone: @escaping (Int) -> Bool = { _ in true }
    ) -> VirtualNetwork {
        let network = VirtualNetwork(seed: 11)
        network.loss = loss
        network.announcer = { [unowned network] index, request in
            guard let key = key(index) else { return nil }
            return PeerRecord.signed(
                by: key,
                network: Self.network,
                sequence: max(request.above + 1, UInt64(network.now.components.seconds)),
                life: request.life,
                addresses: request.endpoints.map { PeerAddress($0) },
                at: network.wallTime
            )
        }
        for index in 0..<count {
            network.add(
                { if zone(index) { $0.zone = Self.configuration(capacity) } },
                through: index == 0 ? nil : 0
            )
            network.run(for: .milliseconds(50))
        }
        return network
    }

    private static func configuration(_ capacity: Int) -> ZoneConfiguration {
        var configuration = ZoneConfiguration(network: network)
        configuration.maximumRecords = capacity
        return configuration
    }

    private func holders(of index: Int, in network: VirtualNetwork) -> Int {
        guard let key = key(index)?.publicKey else { return 0 }
        return network.boxes.count { box in
            box.node.zoneRecord(of: key, now: network.now)?.endpoints == [VirtualNetwork.endpoint(index)]
        }
    }

    @Test("twenty seconds after a node came all hold its record, though every twentieth datagram is lost")
    func everybodyKnows() {
        let network = network(20, loss: 0.05)
        network.run(for: .seconds(20))
        for index in 0..<20 { #expect(holders(of: index, in: network) >= 19, "node \(index)") }
    }

    @Test("who says that he goes is forgotten at once, who vanishes when the life of his record is over")
    func leaving() {
        let network = network(12)
        network.run(for: .seconds(30))
        #expect(holders(of: 3, in: network) == 12 && holders(of: 4, in: network) == 12)
        let parting = key(3).flatMap {
            PeerRecord.signed(
                by: $0,
                network: Self.network,
                sequence: 1000,
                life: 60,
                addresses: [],
                at: network.wallTime
            )
        }
        network.announce(parting, by: 3)
        network.boxes[3].isSilent = true
        network.boxes[4].isSilent = true
        network.run(for: .seconds(5))
        // The other one has gone too, and does not hear of it.
        #expect(holders(of: 3, in: network) == 1 && holds(4, 3, network))
        network.run(for: .seconds(200))
        #expect(network.boxes.indices.count { !network.boxes[$0].isSilent && $0 != 4 && holds($0, 4, network) } == 0)
        #expect(holders(of: 5, in: network) == 10)
    }

    @Test("a zone of 8 nodes, one of which vanishes every fifteen seconds, has room for each that comes in its place")
    func room() {
        let network = network(8, capacity: 16)
        network.run(for: .seconds(10))
        var present = Array(0..<8)
        for _ in 0..<16 {
            network.boxes[present.remove(at: 1)].isSilent = true
            present.append(network.add({ $0.zone = Self.configuration(16) }, through: 0))
            network.run(for: .seconds(15))
        }
        for index in present {
            let known = present.count { holds($0, index, network) }
            #expect(known >= 7, "\(known) of 8 hold node \(index)")
        }
    }

    @Test("nodes that did not hear each other for two hours know all again ten minutes after")
    func apart() {
        let network = network(6)
        network.run(for: .seconds(20))
        network.loss = 1
        network.run(for: .seconds(7200))
        #expect((0..<6).allSatisfy { holders(of: $0, in: network) == 1 })
        network.loss = 0
        network.run(for: .seconds(600))
        #expect((0..<6).allSatisfy { holders(of: $0, in: network) == 6 })
    }

    private func holds(_ holder: Int, _ index: Int, _ network: VirtualNetwork) -> Bool {
        key(index).map { network.boxes[holder].node.zoneRecord(of: $0.publicKey, now: network.now) != nil } ?? false
    }

    @Test("a node that does not know the questions is asked once, and is as good a node as before")
    func strangers() {
        let network = network(10) { $0 != 2 }
        network.run(for: .seconds(120))
        let asked = network.boxes.indices.filter { $0 != 2 }.map { index in
            network.boxes[index].node.zone?.restOf(VirtualNetwork.endpoint(2))
        }
        // The hour of each has begun in the first seconds, and has not begun again.
        #expect(asked.allSatisfy { $0.map { $0 < .seconds(3640) } ?? true } && asked.contains { $0 != nil })
        #expect(network.boxes[0].node.tables[0].entry(network.boxes[2].node.id)?.isBad == false)
        #expect(holders(of: 5, in: network) == 9)
    }

    @Test("a node whose clock went back finds its own older record, and signs above it")
    func ownRecord() throws {
        let network = network(6)
        network.run(for: .seconds(20))
        // As if an earlier run had signed with a clock that was ahead.
        let signer = try #require(key(2))
        let older = try #require(
            PeerRecord.signed(
                by: signer,
                network: Self.network,
                sequence: 1 << 40,
                life: 180,
                addresses: [PeerAddress(VirtualNetwork.endpoint(77))],
                at: network.wallTime
            )
        )
        #expect(network.boxes[4].node.zone?.register.admit(older, age: .zero, now: network.now) == .news)
        network.run(for: .seconds(60))
        #expect(holders(of: 2, in: network) == 6)
        #expect(network.boxes[4].node.zoneRecord(of: signer.publicKey, now: network.now)?.sequence ?? 0 > 1 << 40)
    }

    @Test("what a node sends for its zone stays small when nothing happens")
    func cost() {
        let network = network(16)
        network.run(for: .seconds(60))
        let before = network.boxes.map { $0.node.zoneCounts?.sentBytes ?? 0 }
        network.run(for: .seconds(120))
        for (old, box) in zip(before, network.boxes) {
            #expect((box.node.zoneCounts?.sentBytes ?? 0) - old < 120 * 1500)
        }
    }
}
