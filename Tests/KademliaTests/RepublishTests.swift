// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Kademlia

@Suite struct RepublishTests {
    private func item(_ sequence: Int64 = 1) throws -> MutableItem {
        let key = try #require(SigningKey(seed: Array(repeating: 9, count: 32)))
        return try MutableItem.signed(value: BencodeValue.string("kept").encoded, sequence: sequence, by: key)
    }

    private func holders(of target: NodeID, in network: VirtualNetwork) -> [Int] {
        network.boxes.indices.filter { network.boxes[$0].node.items.mutable(target, now: network.now) != nil }
    }

    private func isFound(_ item: MutableItem, by reader: Int, in network: VirtualNetwork) -> Bool {
        let read = network.perform(.getMutable(key: item.key, salt: item.salt), at: reader)
        guard case .mutable(let report, _)? = read?.outcome else { return false }
        return report.item == item
    }

    @Test("An item whose holders have all gone is found again within six minutes, not after an hour")
    func goneHolders() throws {
        let network = VirtualNetwork(seed: 4)
        network.settle(60)
        network.run(for: .seconds(5))
        let item = try item()
        _ = network.perform(.publish(.mutable(item), keep: .own), at: 0)
        let gone = holders(of: item.target, in: network).filter { $0 != 0 }
        #expect(gone.count >= 8)
        for index in gone { network.boxes[index].isSilent = true }
        let reader = try #require(network.boxes.indices.first { !gone.contains($0) && $0 > 0 })
        network.run(for: .seconds(360))
        #expect(isFound(item, by: reader, in: network))
    }

    @Test("What was put while half of the network could not be heard is put again when it is heard")
    func partition() throws {
        let network = VirtualNetwork(seed: 5)
        network.settle(16)
        network.run(for: .seconds(5))
        _ = network.perform(.publish(.mutable(try item(1)), keep: .own), at: 0)
        let cut = network.boxes.indices.filter { $0 % 2 == 1 }
        for index in cut { network.boxes[index].isSilent = true }
        network.run(for: .seconds(20))
        let newest = try item(2)
        _ = network.perform(.publish(.mutable(newest), keep: .own), at: 0)
        network.run(for: .seconds(20))
        for index in cut { network.boxes[index].isSilent = false }
        // Their timers stood still meanwhile.
        for index in cut { network.act(index, network.boxes[index].node.tick(now: network.now)) }
        network.run(for: .seconds(70))
        #expect(cut.allSatisfy { isFound(newest, by: $0, in: network) })
        let closest = network.boxes.indices.sorted {
            network.boxes[$0].node.id ^ newest.target < network.boxes[$1].node.id ^ newest.target
        }
        let holders = holders(of: newest.target, in: network)
        #expect(closest.prefix(6).allSatisfy { holders.contains($0) }, "it belongs to the closest of all nodes")
    }

    @Test("Where most nodes were silent lately eight at once are asked for a sign of life, in a calm network one")
    func returning() {
        #expect(pings(silent: 16) == 8)
        #expect(pings(silent: 0) == 1)
    }

    /// To twenty nodes that answered sixteen minutes ago, of which some have left a query unanswered since.
    private func pings(silent: Int) -> Int {
        var random = SplitMix64(seed: 11)
        var node = DHTNode(configuration: DHTConfiguration(), seed: random.bytes(32), now: .zero)
        for number in 1...20 {
            let endpoint = Endpoint(.v4(0x0A00_0000 + UInt32(number)), port: 6881)
            let contact = Contact(id: .random(using: &random), endpoint: endpoint)
            _ = node.tables[0].answered(contact, now: .zero)
            if number <= silent { node.tables[0].failed(contact, now: .zero) }
        }
        return node.tick(now: .seconds(960)).count { action in
            guard case .send(let bytes, _) = action, let message = try? KRPCMessage(parsing: bytes),
                case .query(let query) = message.body
            else { return false }
            return query.method == .ping
        }
    }

    @Test("What is ours is put again within a minute when its holders stop answering, and when they come back")
    func early() throws {
        let network = VirtualNetwork(seed: 8)
        network.settle(24)
        network.run(for: .seconds(5))
        let item = try item()
        _ = network.perform(.publish(.mutable(item), keep: .own), at: 0)
        let gone = holders(of: item.target, in: network).filter { $0 != 0 }
        for index in gone { network.boxes[index].isSilent = true }
        // Each search leaves two questions or more to each of them unanswered.
        for _ in 0..<3 { _ = network.perform(.getMutable(key: item.key, salt: item.salt), at: 0) }
        network.run(for: .seconds(60))
        let whenGone = publications(in: network)
        #expect(whenGone > 0, "due after five minutes by itself")
        for index in gone { network.boxes[index].isSilent = false }
        for index in gone { network.act(index, network.boxes[index].node.tick(now: network.now)) }
        network.run(for: .seconds(90))
        #expect(publications(in: network) > whenGone, "due after three minutes by itself")
    }

    /// How often node 0 has put something again.
    private func publications(in network: VirtualNetwork) -> Int {
        network.events.count {
            if $0.node == 0, case .published = $0.event { return true }
            return false
        }
    }

    @Test(
        "S3-070: an announce that nobody confirmed, as all were too busy, is made again after ten seconds, not after 15 minutes"
    )
    func busyNetwork() throws {
        let network = VirtualNetwork(seed: 7)
        network.settle(12)
        network.run(for: .seconds(5))
        for index in 1..<12 { network.boxes[index].isSilent = true }
        let infoHash = network.randomID()
        let publication = Publication.peer(infoHash: infoHash, port: 7000)
        guard case .stored(let report, _)? = network.perform(.publish(publication, keep: .own), at: 0)?.outcome else {
            Issue.record("the announce did not end")
            return
        }
        #expect(report.stored == 0)
        for index in 1..<12 { network.boxes[index].isSilent = false }
        for index in 1..<12 { network.act(index, network.boxes[index].node.tick(now: network.now)) }
        network.run(for: .seconds(15))
        let holders = network.boxes.indices.filter { network.boxes[$0].node.peerCount > 0 }
        #expect(holders.count >= 8)
    }

    @Test("A thousand publications that are due together go out at no more than two a second")
    func bounded() throws {
        let network = VirtualNetwork(seed: 6)
        network.grow(to: 12)
        network.run(for: .seconds(5))
        for _ in 0..<400 {
            let peer = Publication.peer(infoHash: network.randomID(), port: 7000)
            network.act(0, network.boxes[0].node.keep(peer, policy: .own, now: network.now))
        }
        let before = network.events.count
        network.run(for: .seconds(320))
        let published = network.events[before...].filter {
            if $0.node == 0, case .published = $0.event { return true }
            return false
        }
        #expect(published.count > 20 && published.count <= 8 + 2 * 20, "due after five minutes, twenty seconds ago")
    }

    // MARK: - The pace

    @Test("Where nodes stay the pause doubles up to half an hour; where all go it falls to three minutes")
    func pace() throws {
        let pace = RepublishPace(.mutable(try item()), .own)
        #expect(pace.first == .seconds(300))
        #expect(pace.next(after: .seconds(300), remaining: 8, of: 8) == .seconds(600))
        #expect(pace.next(after: .seconds(1200), remaining: 8, of: 8) == .seconds(1800))
        #expect(pace.next(after: .seconds(300), remaining: 0, of: 8) == .seconds(180))
        #expect(pace.next(after: .seconds(1800), remaining: 1, of: 8) == .seconds(450))
        // Three of five are the aim.
        let kept = pace.next(after: .seconds(900), remaining: 5, of: 8)
        #expect(kept > .seconds(800) && kept < .seconds(1100))
        #expect(pace.next(after: .seconds(300), remaining: 2, of: 2) == .seconds(600))
        #expect(pace.afterFailure(12) == .seconds(300))
        #expect(pace.afterFailure(0) == .seconds(10))
    }

    @Test("An announce is never more than 15 minutes old: others forget it after 30")
    func announces() {
        let pace = RepublishPace(.peer(infoHash: .zero, port: nil), .own)
        #expect(pace.next(after: .seconds(900), remaining: 8, of: 8) == .seconds(900))
    }

    @Test("Nodes that come and go to make us publish are heeded after 30 s, then 60, 120, …")
    func hastening() throws {
        var schedule = PublicationSchedule(capacity: 4)
        let item = Publication.mutable(try item())
        let key = PublicationSchedule.Key(item)
        let ids = (1...8).map { number in NodeID(Array(repeating: UInt8(number), count: 20)) ?? .zero }
            .sorted { $0 ^ key.target < $1 ^ key.target }
        var now = Instant.seconds(1000)
        schedule.keep(item, policy: .own, due: now)
        var pauses: [Duration] = []
        for _ in 0..<4 {
            schedule.published(key, at: ids, premature: false, jitter: 0, now: now)
            let lost = ids.prefix(3).map { schedule.lost($0, now: now) }
            #expect(lost == [false, false, true], "a third of eight")
            let due = try #require(schedule.next)
            pauses.append(due - now)
            now = due
        }
        #expect(pauses == [.seconds(30), .seconds(60), .seconds(120), .seconds(240)])
        // One that is further away than all who have it is none of its business; one that is closer is.
        schedule.published(key, at: ids, premature: false, jitter: 0, now: now)
        var far = key.target.bytes
        far[0] ^= 0xFF
        far[1] ^= 0xFF
        let isFar = try #require(NodeID(far))
        let isFarthest = ids.allSatisfy { $0 ^ key.target < isFar ^ key.target }
        let heeded = [isFar, ids[3], key.target].map { schedule.met($0, width: 8, now: now) }
        #expect(heeded == [!isFarthest, false, true], "one that has it and was never gone changes nothing")
    }
}
