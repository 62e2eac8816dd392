// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Testing
internal import Wire

@testable internal import Kademlia

/// A zone's node among those who lie (`docs/protocols/zone-announcement.md` §6).
@Suite struct HostileZoneTests {
    private static let network: [UInt8] = [5]
    private static let wall: UInt64 = 1_800_000_000

    private func record(
        _ number: Int,
        sequence: UInt64 = 1,
        network: [UInt8] = network,
        at time: UInt64 = wall
    ) throws -> PeerRecord {
        let key = try #require(SigningKey(seed: Array(repeating: UInt8(number), count: 32)))
        return try #require(
            PeerRecord.signed(
                by: key,
                network: network,
                sequence: sequence,
                life: 180,
                addresses: [PeerAddress(Endpoint(.v4(0x0B00_0001 + UInt32(number)), port: 6881))],
                at: time
            )
        )
    }

    private func bench() throws -> NodeBench {
        let bench = NodeBench {
            $0.zone = ZoneConfiguration(network: Self.network)
            $0.localAddresses = [.v4(0x0A00_0001)]
            $0.localPort = 6881
        }
        bench.perform(bench.node.tick(now: bench.now))
        bench.perform(bench.node.announce(try record(1), wall: Self.wall, now: bench.now))
        bench.sent = []
        return bench
    }

    private func query(_ kind: ZoneQuery.Kind, token: [UInt8]? = nil, network: [UInt8] = network) -> KRPCQuery.Method {
        .zone(ZoneQuery(tag: ZoneConfiguration(network: network).tag, token: token, kind: kind))
    }

    private func digest(_ record: PeerRecord) -> ZoneDigest { ZoneDigest(id: record.zoneID, sequence: record.sequence) }

    private let nothing = Array(repeating: UInt64(0), count: ZoneSpecification.buckets)

    /// A token, got as everybody gets it.
    private func token(_ bench: NodeBench, from source: Endpoint = NodeBench.stranger) -> [UInt8] {
        bench.response(bench.ask(query(.compare(nothing, from: 0)), from: source))?.token ?? []
    }

    /// What the node asks next, answered with `answer`.
    private func answer(_ bench: NodeBench, _ answer: (ZoneQuery) -> ZoneAnswer?) {
        bench.answerAll(
            { query, response in
                if case .zone(let question) = query.method { response.zone = answer(question) }
            },
            id: { _ in NodeBench.strangerID }
        )
    }

    @Test("a question without a token of its address gets a token and nothing else, in fewer bytes than it cost")
    func unproven() throws {
        let bench = try bench()
        let own = try record(1)
        let kinds: [ZoneQuery.Kind] = [
            .compare(nothing, from: 0), .get([own.zoneID]), .tell([digest(try record(2))], own: nil, back: []),
        ]
        for kind in kinds {
            for token in [nil, [1, 2, 3, 4, 5, 6, 7, 8]] as [[UInt8]?] {
                let question = KRPCMessage(
                    transaction: [1, 2],
                    body: .query(KRPCQuery(sender: NodeBench.strangerID, method: query(kind, token: token)))
                )
                bench.sent = []
                let response = bench.response(bench.ask(question.encoded))
                #expect(response?.zone == ZoneAnswer(isActedOn: false) && response?.token != nil)
                let answered = bench.sent.first { $0.to == NodeBench.stranger }?.bytes.count ?? 0
                #expect(answered <= question.encoded.count * 6 / 5)
            }
        }
        #expect(bench.node.loads.first { $0.name == "zone wants" }?.used == 0)
        // A token is its address's alone.
        let token = token(bench)
        let elsewhere = Endpoint(.v4(0x0909_0909), port: 4000)
        let other = bench.response(bench.ask(query(.get([own.zoneID]), token: token), from: elsewhere))
        #expect(other?.zone?.isActedOn == false)
        let mine = bench.response(bench.ask(query(.get([own.zoneID]), token: token)))
        #expect(mine?.zone?.items.first?.bytes == own.bytes)
    }

    @Test("a forged record is not taken, and who gave it is left alone for a minute")
    func forged() throws {
        let bench = try bench()
        let token = token(bench)
        let forged = try record(2)
        _ = bench.ask(query(.tell([digest(forged)], own: nil, back: [9]), token: token))
        var bytes = forged.bytes
        bytes[bytes.count - 1] ^= 1
        answer(bench) { _ in
            var answer = ZoneAnswer(isActedOn: true)
            answer.items = [ZoneItem(age: 0, bytes: bytes)]
            return answer
        }
        #expect(bench.node.zoneRecords(now: bench.now).count == 1)
        #expect(bench.node.zoneCounts?.refused == 1)
        #expect(bench.node.zone?.rests(NodeBench.stranger, now: bench.now + .seconds(59)) == true)
        bench.sent = []
        _ = bench.ask(query(.tell([digest(try record(3))], own: nil, back: [9]), token: token))
        #expect(!bench.sent.contains { $0.bytes.contains(Array("zone_get".utf8)) })
    }

    @Test("a record that was not asked for, of another network, or out of date, is not taken")
    func unasked() throws {
        let bench = try bench()
        let token = token(bench)
        let told = try record(2)
        let cases: [PeerRecord] = try [
            record(3), record(2, network: [6]), record(2, at: Self.wall - 1000), record(2, at: Self.wall + 3000),
        ]
        for (index, given) in cases.enumerated() {
            bench.now += .seconds(300)
            _ = bench.ask(query(.tell([digest(told)], own: nil, back: [9]), token: self.token(bench)))
            answer(bench) { question in
                guard case .get = question.kind else { return nil }
                var answer = ZoneAnswer(isActedOn: true)
                answer.items = [ZoneItem(age: 0, bytes: given.bytes)]
                return answer
            }
            #expect(bench.node.zone?.register.record(of: given.zoneID) == nil, "case \(index)")
        }
        #expect(!token.isEmpty)
    }

    @Test("a record that is told whole counts only with its issuer's signature, and old ones never come back")
    func replayed() throws {
        let bench = try bench()
        let token = token(bench)
        func tell(_ record: PeerRecord, _ bytes: [UInt8]? = nil) {
            let item = ZoneItem(age: 0, bytes: bytes ?? record.bytes)
            _ = bench.ask(query(.tell([digest(record)], own: item, back: []), token: token))
        }
        let second = try record(2, sequence: 5)
        var bytes = second.bytes
        bytes[60] ^= 1
        tell(second, bytes)
        #expect(bench.node.zone?.register.record(of: second.zoneID) == nil)
        tell(second)
        #expect(bench.node.zone?.register.record(of: second.zoneID)?.sequence == 5)
        tell(try record(2, sequence: 4))
        #expect(bench.node.zone?.register.record(of: second.zoneID)?.sequence == 5)
    }

    @Test("a record whose date is still to come is as old as is said: a slow clock makes none new")
    func early() throws {
        let bench = try bench()
        let token = token(bench)
        let record = try record(2, at: Self.wall + 500)
        let item = ZoneItem(age: 170, bytes: record.bytes)
        _ = bench.ask(query(.tell([digest(record)], own: item, back: []), token: token))
        #expect(bench.node.zoneRecord(of: record.issuer, now: bench.now) == record)
        bench.now += .seconds(20)
        bench.perform(bench.node.tick(now: bench.now))
        #expect(bench.node.zoneRecord(of: record.issuer, now: bench.now) == nil)
    }

    @Test("who is first to pass on each renewal of a member, and says that it is old, makes the member go no sooner")
    func aged() throws {
        let bench = try bench()
        for round in 0..<4 as Range<UInt64> {
            let record = try record(2, sequence: round + 1, at: Self.wall + round * 60)
            let item = ZoneItem(age: round == 0 ? 0 : 179, bytes: record.bytes)
            _ = bench.ask(query(.tell([digest(record)], own: item, back: []), token: token(bench)))
            bench.now += .seconds(60)
            bench.perform(bench.node.tick(now: bench.now))
            #expect(bench.node.zoneRecord(of: record.issuer, now: bench.now) == record)
        }
    }

    @Test("thousands of invented digests cost a bounded memory and few questions")
    func invented() throws {
        let bench = try bench()
        for host in 0..<100 as Range<UInt32> {
            let source = Endpoint(.v4(0x0B00_0001 + host << 8), port: 6881)
            let token = token(bench, from: source)
            for round in 0..<4 as Range<UInt64> {
                let digests = (0..<48 as Range<UInt64>).map {
                    ZoneDigest(id: ($0 + round * 48) << 50 + UInt64(host), sequence: .max)
                }
                _ = bench.ask(query(.tell(digests, own: nil, back: [9]), token: token), from: source)
            }
        }
        for load in bench.node.loads { #expect(load.used <= load.bound, "\(load.name)") }
        let gets = bench.sent.count { (try? KRPCMessage(parsing: $0.bytes)).map(isGet) ?? false }
        #expect(gets <= ZoneMachine.maximumAsked)
    }

    private func isGet(_ message: KRPCMessage) -> Bool {
        if case .query(let query) = message.body, case .zone(let zone) = query.method, case .get = zone.kind {
            return true
        }
        return false
    }

    @Test("who has nothing of what he tells is asked three times, then left alone")
    func empty() throws {
        let bench = try bench()
        let token = token(bench)
        var asked = 0
        for round in 0..<10 as Range<UInt64> {
            let digests = (0..<4 as Range<UInt64>).map { ZoneDigest(id: ($0 + round * 4) << 50, sequence: 9) }
            _ = bench.ask(query(.tell(digests, own: nil, back: [9]), token: token))
            asked += bench.sent.count { (try? KRPCMessage(parsing: $0.bytes)).map(isGet) ?? false }
            answer(bench) { _ in ZoneAnswer(isActedOn: true) }
        }
        #expect(asked == 3)
    }

    @Test("another zone's questions, and a zone's where there is none, are unknown (BEP 5)")
    func unknown() throws {
        let bench = try bench()
        #expect(bench.code(bench.ask(query(.get([1]), network: [6]))) == 204)
        let plain = NodeBench()
        #expect(plain.code(plain.ask(query(.get([1])))) == 204)
        #expect(plain.node.zoneRecords(now: plain.now).isEmpty)
    }

    @Test("messages are read as they were written, and refused beyond their bounds")
    func messages() throws {
        let item = ZoneItem(age: 70, bytes: try record(2).bytes)
        let digests = [ZoneDigest(id: 1, sequence: 2), ZoneDigest(id: .max, sequence: .max)]
        let kinds: [ZoneQuery.Kind] = [
            .tell(digests, own: item, back: [1, 2]), .tell([], own: nil, back: []),
            .compare((0..<64).map { $0 << 40 }, from: 63), .get([1, .max]),
        ]
        for kind in kinds {
            let message = KRPCMessage(
                transaction: [1],
                body: .query(KRPCQuery(sender: NodeBench.strangerID, method: query(kind, token: [3])))
            )
            #expect(try KRPCMessage(parsing: message.encoded) == message)
            #expect(message.encoded.count < 1232)
        }
        var response = KRPCResponse(sender: NodeBench.strangerID)
        var answer = ZoneAnswer(isActedOn: true)
        (answer.digests, answer.next, answer.items) = (digests, 5, [item, item])
        (response.zone, response.token) = (answer, [7])
        let message = KRPCMessage(transaction: [1], body: .response(response))
        #expect(try KRPCMessage(parsing: message.encoded) == message)
        for wrong in ["3:ids9:123456789", "3:ids0:", "3:ids40:" + String(repeating: "1", count: 40)] {
            let id = String(repeating: "i", count: 20)
            let text = "d1:ad2:id20:\(id)\(wrong)4:zone8:12345678e1:q8:zone_get1:t1:x1:y1:qe"
            guard case .malformedQuery = try KRPCMessage(parsing: Array(text.utf8)).body else {
                Issue.record("\(wrong) was taken")
                continue
            }
        }
    }
}
