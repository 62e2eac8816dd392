// SPDX-License-Identifier: Apache-2.0
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import BitTorrent

@Suite struct UDPTrackerTests {
    private static let announce: AnnounceRequest = {
        var request = AnnounceRequest(
            hash: Digest160([UInt8](repeating: 0xAA, count: 20)) ?? .zero,
            peerID: Digest160([UInt8](repeating: 0xBB, count: 20)) ?? .zero,
            port: 0x1AE1,
            key: 0x0102_0304
        )
        (request.downloaded, request.left, request.uploaded, request.event) = (0x11, 0x22, 0x33, .started)
        request.wantedPeers = -1
        return request
    }()
    private let request = UDPTrackerMessage.Request.announce(announce, url: "")
    private let id = TrackerRequestID(7)

    private func sent(_ actions: [UDPTrackerExchange.Action]) -> [[UInt8]] {
        actions.compactMap { if case .send(let bytes) = $0 { bytes } else { nil } }
    }

    private func finished(_ actions: [UDPTrackerExchange.Action]) -> [Result<UDPTrackerMessage.Reply, TrackerError>] {
        actions.compactMap { if case .finished(_, let result) = $0 { result } else { nil } }
    }

    private func wakeTime(_ actions: [UDPTrackerExchange.Action]) -> Duration? {
        actions.compactMap { if case .wake(let time) = $0 { time } else { nil } }.last
    }

    private func connectReply(to datagram: [UInt8]) -> [UInt8] {
        [0, 0, 0, 0] + datagram[12..<16] + [9, 9, 9, 9, 9, 9, 9, 9]
    }

    private func announceReply(to datagram: [UInt8], peers: [UInt8] = [1, 2, 3, 4, 0x1A, 0xE1]) -> [UInt8] {
        [0, 0, 0, 1] + datagram[12..<16] + [0, 0, 3, 132, 0, 0, 0, 5, 0, 0, 0, 6] + peers
    }

    @Test("BEP 15: connect, then announce, byte for byte")
    func layout() throws {
        var exchange = UDPTrackerExchange(isV6: false, seed: 1)
        let connect = try #require(sent(exchange.request(id, request, now: .zero)).first)
        #expect(connect.prefix(12) == [0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80, 0, 0, 0, 0])
        #expect(connect.count == 16)
        let announce = try #require(sent(exchange.receive(connectReply(to: connect), now: .seconds(1))).first)
        let expected: [UInt8] =
            [9, 9, 9, 9, 9, 9, 9, 9, 0, 0, 0, 1] + announce[12..<16] + [UInt8](repeating: 0xAA, count: 20)
            + [UInt8](repeating: 0xBB, count: 20) + [0, 0, 0, 0, 0, 0, 0, 0x11, 0, 0, 0, 0, 0, 0, 0, 0x22]
            + [0, 0, 0, 0, 0, 0, 0, 0x33, 0, 0, 0, 2, 0, 0, 0, 0, 1, 2, 3, 4, 0xFF, 0xFF, 0xFF, 0xFF, 0x1A, 0xE1]
        #expect(announce == expected)
        #expect(announce.count == 98)
        let result = finished(exchange.receive(announceReply(to: announce), now: .seconds(2)))
        guard case .success(.announce(let reply)) = result.first else {
            Issue.record("no reply: \(result)")
            return
        }
        #expect(reply.peers.map(\.description) == ["1.2.3.4:6881"])
        #expect((reply.interval, reply.leechers, reply.seeders) == (.seconds(900), 5, 6))
        let isIdle = exchange.isIdle
        #expect(isIdle)
    }

    @Test("BEP 41: path and query follow in options of up to 255 bytes")
    func urlData() {
        let long = "/announce?" + String(repeating: "k", count: 300)
        let bytes = UDPTrackerMessage.encode(.announce(Self.announce, url: long), connection: 1, transaction: 2)
        #expect(bytes[98...99] == [2, 255])
        #expect(bytes[(100 + 255)...(101 + 255)] == [2, 55])
        #expect(bytes.last == 0)
        #expect(bytes.count == 98 + 2 + 255 + 2 + 55 + 1)
    }

    @Test("Over IPv6 peers have 18 bytes")
    func ipv6() throws {
        var exchange = UDPTrackerExchange(isV6: true, seed: 1)
        let connect = try #require(sent(exchange.request(id, request, now: .zero)).first)
        let announce = try #require(sent(exchange.receive(connectReply(to: connect), now: .zero)).first)
        let peer: [UInt8] = [0x20, 1, 0xD, 0xB8] + [UInt8](repeating: 0, count: 11) + [1, 0x1A, 0xE1]
        let result = finished(exchange.receive(announceReply(to: announce, peers: peer), now: .zero)).first
        guard case .success(.announce(let reply)) = result else { return #expect(Bool(false), "no reply") }
        #expect(reply.peers.map(\.description) == ["[2001:db8::1]:6881"])
    }

    @Test("BEP 15: a connect that is not answered is sent again after 15·2ⁿ s, n up to 8, then given up")
    func connectTimeouts() throws {
        var exchange = UDPTrackerExchange(isV6: false, seed: 1)
        var actions = exchange.request(id, request, now: .zero)
        var times: [Int64] = []
        while let time = wakeTime(actions) {
            times.append(time.components.seconds)
            actions = exchange.wake(now: time)
            if !exchange.isIdle { #expect(sent(actions).first?.count == 16) }
        }
        #expect(times == [15, 45, 105, 225, 465, 945, 1905, 3825, 7665])
        #expect(finished(actions) == [.failure(.timeout)])
    }

    @Test("BEP 15, example: an announce is sent at 2, 17 and 47 s, a new connect at 107 and 227 s")
    func announceTimeouts() throws {
        var exchange = UDPTrackerExchange(isV6: false, seed: 1)
        let connect = try #require(sent(exchange.request(id, request, now: .seconds(2))).first)
        var actions = exchange.receive(connectReply(to: connect), now: .seconds(2))
        var lengths = sent(actions).map(\.count)
        var times: [Int64] = []
        for _ in 0..<4 {
            let time = try #require(wakeTime(actions))
            times.append(time.components.seconds)
            actions = exchange.wake(now: time)
            lengths += sent(actions).map(\.count)
        }
        #expect(times == [17, 47, 107, 227])
        #expect(lengths == [98, 98, 98, 16, 16])
    }

    @Test("BEP 15: a connection id serves for a minute, and not longer")
    func lifetime() throws {
        var exchange = UDPTrackerExchange(isV6: false, seed: 1)
        let connect = try #require(sent(exchange.request(id, request, now: .zero)).first)
        let first = try #require(sent(exchange.receive(connectReply(to: connect), now: .seconds(1))).first)
        _ = exchange.receive(announceReply(to: first), now: .seconds(2))
        let second = sent(exchange.request(TrackerRequestID(8), .scrape([.zero]), now: .seconds(60)))
        #expect(second.map(\.count) == [36])
        let reply = [0, 0, 0, 2] + second[0][12..<16] + [0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]
        #expect(
            finished(exchange.receive(reply, now: .seconds(60)))
                == [.success(.scrape([ScrapeCount(seeders: 1, leechers: 3, completed: 2)]))]
        )
        #expect(sent(exchange.request(TrackerRequestID(9), request, now: .seconds(61))).map(\.count) == [16])
    }

    @Test("Datagrams with another transaction id, another action, or too short, change nothing")
    func wrongAnswers() throws {
        var exchange = UDPTrackerExchange(isV6: false, seed: 1)
        let connect = try #require(sent(exchange.request(id, request, now: .zero)).first)
        var wrong = connectReply(to: connect)
        wrong[7] ^= 1
        #expect(exchange.receive(wrong, now: .zero).isEmpty)
        #expect(exchange.receive(Array(connectReply(to: connect).dropLast()), now: .zero).isEmpty)
        #expect(sent(exchange.receive(announceReply(to: connect), now: .zero)).isEmpty)
        let announce = try #require(sent(exchange.receive(connectReply(to: connect), now: .zero)).first)
        var other = announceReply(to: announce)
        other[3] = 2
        #expect(finished(exchange.receive(other, now: .zero)).isEmpty, "a scrape is no answer to an announce")
        let isIdle = exchange.isIdle
        #expect(!isIdle)
    }

    @Test("An error ends the request it names; the connection is made anew")
    func errors() throws {
        var exchange = UDPTrackerExchange(isV6: false, seed: 1)
        let connect = try #require(sent(exchange.request(id, request, now: .zero)).first)
        let announce = try #require(sent(exchange.receive(connectReply(to: connect), now: .zero)).first)
        let error = [0, 0, 0, 3] + announce[12..<16] + Array("go\naway".utf8)
        #expect(finished(exchange.receive(error, now: .zero)) == [.failure(.refused("go\u{FFFD}away", retry: nil))])
        #expect(sent(exchange.request(id, request, now: .zero)).map(\.count) == [16])
    }

    @Test("No more than 64 requests wait; those that wait share one connection")
    func bound() throws {
        var exchange = UDPTrackerExchange(isV6: false, seed: 1)
        var connects = 0
        for number in 0..<64 {
            connects += sent(exchange.request(TrackerRequestID(UInt64(number)), request, now: .zero)).count
        }
        #expect(connects == 1)
        #expect(finished(exchange.request(id, request, now: .zero)) == [.failure(.unreachable)])
    }

    @Test("Damaged datagrams never trap", arguments: [1, 2, 3] as [UInt64])
    func hostile(seed: UInt64) throws {
        var exchange = UDPTrackerExchange(isV6: seed == 2, seed: seed)
        let connect = try #require(sent(exchange.request(id, request, now: .zero)).first)
        for bytes in HostileInput.mutations(of: connectReply(to: connect), count: 500, seed: seed) {
            _ = exchange.receive(bytes, now: .zero)
        }
        let sample = announceReply(to: connect, peers: [UInt8](repeating: 3, count: 60))
        for bytes in HostileInput.mutations(of: sample, count: 1000, seed: seed) + HostileInput.truncations(of: sample)
        {
            _ = exchange.receive(bytes, now: .zero)
            _ = UDPTrackerMessage.parse(bytes, isV6: true)
        }
    }
}
