// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Keys
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Kademlia

@Suite struct VirtualNetworkTests {
    private func value(_ text: String) -> [UInt8] { BencodeValue.string(text).encoded }

    private func key(_ seed: UInt8) throws -> SigningKey {
        try #require(SigningKey(seed: Array(repeating: seed, count: 32)))
    }

    @Test("S3-006: among 1,000 nodes at least 99 % of lookups find the closest node, within log2(N) + 3 hops")
    func thousandNodes() throws {
        let network = VirtualNetwork(seed: 1)
        network.settle(700)
        network.grow(to: 1000)
        network.run(for: .seconds(20))
        let count = 200
        var found = 0
        var hops = 0
        for _ in 0..<count {
            let target = network.randomID()
            let closest = network.boxes.indices.min {
                network.boxes[$0].node.id ^ target < network.boxes[$1].node.id ^ target
            }
            let asker = network.randomNode()
            guard case .nodes(let report)? = network.perform(.findNode(target), at: asker)?.outcome else { continue }
            hops = max(hops, report.hops)
            let distances = report.path.map { $0.id ^ target }
            #expect(zip(distances, distances.dropFirst()).allSatisfy { $0 > $1 }, "S3-010")
            if closest == asker || report.closest.first?.endpoint == closest.map({ VirtualNetwork.endpoint($0) }) {
                found += 1
            }
        }
        #expect(found >= count * 99 / 100)
        #expect(Double(hops) <= log2(1000) + 3)
        checkSilence(in: network)
    }

    /// The same network, 30 % of it silenced: building it is what takes the time.
    private func checkSilence(in network: VirtualNetwork) {
        let reader = network.boxes.count - 1
        guard let key = try? key(7),
            let item = try? MutableItem.signed(value: value("stays"), sequence: 3, by: key)
        else { return }
        let put = network.perform(.publish(.mutable(item)), at: 0)
        guard case .stored(let report, _)? = put?.outcome else {
            Issue.record("the put did not finish")
            return
        }
        #expect(report.stored >= 8)
        for index in network.boxes.indices where index != reader && index % 10 < 3 {
            network.boxes[index].isSilent = true
        }
        var slowest = Duration.zero
        for _ in 0..<20 {
            let read = network.perform(.getMutable(key: key.publicKey, salt: []), at: reader)
            guard case .mutable(let found, _)? = read?.outcome else {
                Issue.record("the get did not finish")
                continue
            }
            #expect(found.item == item)
            slowest = max(slowest, read?.took ?? .zero)
        }
        for turn in 0..<20 {
            let asker = turn * 50 + 9
            let read = network.perform(.findNode(network.randomID()), at: asker)
            slowest = max(slowest, read?.took ?? .seconds(99))
        }
        #expect(slowest <= .milliseconds(1500), "with 30 % silent nodes")
    }

    @Test("A get returns the item put elsewhere, and peers that others announced are found")
    func smallNetwork() throws {
        let network = VirtualNetwork(seed: 2)
        network.grow(to: 30)
        network.run(for: .seconds(5))
        let infoHash = network.randomID()
        guard
            case .stored(let report, _)? = network.perform(
                .publish(.peer(infoHash: infoHash, port: 7000)),
                at: 3
            )?.outcome
        else {
            Issue.record("the announce did not finish")
            return
        }
        #expect(report.stored >= 8)
        guard case .peers(let peers, _)? = network.perform(.getPeers(infoHash), at: 20)?.outcome else {
            Issue.record("the search did not finish")
            return
        }
        #expect(peers == [Endpoint(VirtualNetwork.endpoint(3).address, port: 7000)])
        let item = try ImmutableItem(value: value("fixed"))
        _ = network.perform(.publish(.immutable(item)), at: 4)
        guard case .immutable(let read, _, _)? = network.perform(.getImmutable(item.target), at: 21)?.outcome else {
            Issue.record("the get did not finish")
            return
        }
        #expect(read == item.value)
    }

    @Test("BEP 44: an update puts over the newest item, and readers get it")
    func update() throws {
        let network = VirtualNetwork(seed: 3)
        network.grow(to: 20)
        network.run(for: .seconds(3))
        let key = try key(1)
        for sequence in Int64(1)...3 {
            let id = network.start(.update(key: key.publicKey, salt: [1], keep: .own), at: 2)
            network.run(for: .seconds(3))
            guard case .readyToSign(let current, let highest)? = network.progress[id]?.last else {
                Issue.record("nobody asked for a signature")
                return
            }
            #expect(current?.sequence ?? 0 == sequence - 1)
            #expect(highest ?? 0 == sequence - 1)
            let item = try MutableItem.signed(value: value("\(sequence)"), salt: [1], sequence: sequence, by: key)
            network.act(2, network.boxes[2].node.supply(item, for: id, now: network.now))
            network.run(for: .seconds(3))
        }
        let read = network.perform(.getMutable(key: key.publicKey, salt: [1]), at: 15)?.outcome
        guard case .mutable(let report, _)? = read else {
            Issue.record("the get did not finish")
            return
        }
        #expect(report.item?.value == value("3"))
        #expect(report.holders >= 8)
    }

    @Test("S2-13, BEP 44: items stay for as long as their publisher or a reader that was allowed to puts them again")
    func republishing() throws {
        let network = VirtualNetwork(seed: 4)
        network.grow(to: 12)
        network.run(for: .seconds(3))
        let key = try key(2)
        let item = try MutableItem.signed(value: value("kept"), sequence: 9, by: key)
        _ = network.perform(.publish(.mutable(item), keep: .own), at: 1)
        _ = network.perform(.publish(.mutable(item), keep: .borrowed), at: 5)
        network.boxes[1].isSilent = true
        network.run(for: .seconds(3 * 3600))
        guard
            case .mutable(let report, _)? = network.perform(
                .getMutable(key: key.publicKey, salt: []),
                at: 9
            )?.outcome
        else {
            Issue.record("the get did not finish")
            return
        }
        #expect(report.item == item, "S2-13: three hours without the publisher")
    }

    @Test("What was published into an empty network is repeated when nodes appear")
    func growing() throws {
        let network = VirtualNetwork(seed: 5)
        network.add()
        let key = try key(3)
        let item = try MutableItem.signed(value: value("early"), sequence: 1, by: key)
        _ = network.perform(.publish(.mutable(item), keep: .own), at: 0)
        let infoHash = network.randomID()
        _ = network.perform(.publish(.peer(infoHash: infoHash, port: 99), keep: .own), at: 0)
        for _ in 1...5 { network.add(through: 0) }
        network.run(for: .seconds(8))
        network.boxes[0].isSilent = true
        guard
            case .mutable(let report, _)? = network.perform(
                .getMutable(key: key.publicKey, salt: []),
                at: 4
            )?.outcome, case .peers(let peers, _)? = network.perform(.getPeers(infoHash), at: 3)?.outcome
        else {
            Issue.record("a search did not finish")
            return
        }
        #expect(report.item == item)
        #expect(peers == [Endpoint(VirtualNetwork.endpoint(0).address, port: 99)])
    }

    @Test("Two nodes alone: each reads what the other keeps for itself")
    func twoNodes() throws {
        let network = VirtualNetwork(seed: 6)
        network.grow(to: 2)
        network.run(for: .seconds(2))
        let key = try key(4)
        let item = try MutableItem.signed(value: value("two"), sequence: Int64.max, by: key)
        _ = network.perform(.publish(.mutable(item), keep: .own), at: 0)
        guard
            case .mutable(let report, _)? = network.perform(
                .getMutable(key: key.publicKey, salt: []),
                at: 1
            )?.outcome
        else {
            Issue.record("the get did not finish")
            return
        }
        #expect(report.item == item)
    }

    @Test("Lookups still succeed when a tenth of all datagrams is lost")
    func loss() throws {
        let network = VirtualNetwork(seed: 7)
        network.grow(to: 60)
        network.run(for: .seconds(5))
        network.loss = 0.1
        let key = try key(5)
        let item = try MutableItem.signed(value: value("lossy"), sequence: 1, by: key)
        _ = network.perform(.publish(.mutable(item)), at: 1)
        for asker in 10..<40 {
            guard
                case .mutable(let report, _)? = network.perform(
                    .getMutable(key: key.publicKey, salt: []),
                    at: asker
                )?.outcome
            else {
                Issue.record("the get did not finish")
                continue
            }
            #expect(report.item == item)
        }
    }
}
