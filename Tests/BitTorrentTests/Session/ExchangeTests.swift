// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable import BitTorrent

@Suite("Peers tell of peers")
struct ExchangeTests {
    static func sample() throws -> SampleContent { try SampleContent(.v1, sizes: [200_000]) }

    static func extensions(_ names: [String: UInt8], port: UInt16? = 6881) -> PeerMessage {
        var handshake = ExtensionHandshake()
        handshake.extensions = names
        handshake.listenPort = port
        return .extended(id: 0, payload: handshake.encoded)
    }

    static func told(_ messages: [PeerMessage], as number: UInt8) -> PeerExchangeMessage? {
        for case .extended(number, let payload) in messages {
            return try? PeerExchangeMessage(parsing: payload, id: number)
        }
        return nil
    }

    static func exchange(_ addresses: [Endpoint]) -> PeerMessage {
        let message = PeerExchangeMessage(added: addresses.map { PeerExchangeMessage.Contact($0) })
        // Our number for ut_pex: the fourth name.
        return .extended(id: 4, payload: message.encoded)
    }

    private static func pass(_ script: ScriptedPeer, seconds: Int) {
        for _ in 0..<seconds {
            script.peer.now += .seconds(1)
            script.peer.work()
        }
    }

    @Test("BEP 11: a peer hears of those connected now, once a minute at most, and of those that have left")
    func telling() throws {
        let script = ScriptedPeer(try Self.sample(), isSeed: true) { $0.closesWhenBothComplete = false }
        let pex = Self.extensions([ExtensionTable.Name.peerExchange: 33])
        let other = try #require(script.take(slot: 2, saying: [.haveNone, pex]))
        // It does not say where it listens: nobody is told of it.
        script.take(slot: 3, saying: [.haveNone, Self.extensions([:], port: nil)])
        script.connect()
        script.say(.haveNone, pex)
        _ = script.heard()
        Self.pass(script, seconds: 3)
        let first = Self.told(script.heard().messages, as: 33)
        let address = Endpoint(.v4(0x0A00_0102), port: 6881)
        #expect(first == PeerExchangeMessage(added: [.init(address)]))
        script.peer.update { $0.closed(other, now: $1) }
        Self.pass(script, seconds: 50)
        #expect(Self.told(script.heard().messages, as: 33) == nil, "a minute has not passed")
        Self.pass(script, seconds: 15)
        #expect(Self.told(script.heard().messages, as: 33) == PeerExchangeMessage(dropped: [address]))
        Self.pass(script, seconds: 130)
        #expect(Self.told(script.heard().messages, as: 33) == nil, "nothing has changed")
    }

    private static func ports(_ messages: [PeerMessage]) -> [UInt16] {
        messages.compactMap { if case .port(let port) = $0 { port } else { nil } }
    }

    @Test("BEP 5: peers that have a DHT node are told where ours is, and theirs is heard once")
    func dhtPort() throws {
        let sample = try Self.sample()
        for (hasNode, expected) in [(true, [UInt16(6889)]), (false, [])] {
            let script = ScriptedPeer(sample, isSeed: true) { $0.dhtPort = 6889 }
            script.connect(hasNode ? [.extensions, .fast, .dht] : [.extensions, .fast])
            script.say(.haveNone, .port(7000), .port(7001), .port(0))
            #expect(Self.ports(script.heard().messages) == expected)
            let nodes = script.peer.events.filter { if case .dhtNode = $0 { true } else { false } }
            #expect(nodes == [.dhtNode(Endpoint(ScriptedPeer.address.address, port: 7000))])
        }
    }

    @Test("BEP 27: of a private torrent's peers nobody is told where our DHT node is, and theirs is not asked")
    func privateDHTPort() throws {
        let sample = try Self.sample()
        var content = try #require(sample.content)
        content.isPrivate = true
        let script = ScriptedPeer(sample, isSeed: true, content: content) { $0.dhtPort = 6889 }
        script.connect([.extensions, .fast, .dht])
        script.say(.haveNone, .port(7000))
        let (handshake, messages, _) = script.heard()
        #expect(handshake?.capabilities.contains(.dht) == false && Self.ports(messages).isEmpty)
        #expect(!script.peer.events.contains { if case .dhtNode = $0 { true } else { false } })
    }

    @Test("BEP 27: of a private torrent's peers nobody is told, and nobody is believed")
    func privacy() throws {
        let sample = try Self.sample()
        var content = try #require(sample.content)
        content.isPrivate = true
        let script = ScriptedPeer(sample, isSeed: false, content: content)
        script.take(slot: 2, saying: [.haveNone, Self.extensions([:])])
        script.connect()
        script.say(.haveNone, Self.extensions([ExtensionTable.Name.peerExchange: 33]))
        script.say(Self.exchange([Endpoint(.v4(0x0A00_0909), port: 6881)]))
        Self.pass(script, seconds: 70)
        let messages = script.heard().messages
        for case .extended(id: 0, let payload) in messages {
            let names = try ExtensionHandshake(parsing: payload).extensions
            #expect(names[ExtensionTable.Name.peerExchange] == nil)
        }
        #expect(Self.told(messages, as: 33) == nil)
        #expect(script.peer.dials.isEmpty)
        script.peer.update { $0.add(peers: [Endpoint(.v4(0x0A00_0909), port: 6881)], source: .dht, now: $1) }
        #expect(script.peer.dials.isEmpty)
        script.peer.update { $0.add(peers: [Endpoint(.v4(0x0A00_0909), port: 6881)], source: .tracker, now: $1) }
        #expect(script.peer.dials.count == 1)
    }

    @Test("BEP 27: a magnet that turns out to be private keeps nobody of whom the DHT or peers told")
    func privateMagnet() throws {
        let sample = try Self.sample()
        var content = try #require(sample.content)
        content.isPrivate = true
        let peer = SimulatedPeer(1, sample, isSeed: false, hasMetadata: false) { $0.maximumDials = 2 }
        let addresses = (0..<UInt32(3)).map { Endpoint(.v4(0x0A00_0900 + $0), port: 6881) }
        let (tracked, found, waiting) = (addresses[0], addresses[1], addresses[2])
        peer.update { $0.add(peers: [tracked], source: .tracker, now: $1) }
        peer.update { $0.add(peers: [found, waiting], source: .dht, now: $1) }
        #expect(peer.dials.map(\.1) == [tracked, found])
        peer.update { $0.metadataFinished(content, infoDictionary: sample.metainfo.infoDictionary, now: $1) }
        #expect(peer.closings == [.privateTorrent])
        #expect(peer.closed == peer.dials.filter { $0.1 == found }.map(\.0))
        #expect(Array(peer.session.book.entries.keys) == [tracked])
        #expect(peer.dials.count == 2, "nor is the one dialled that was waiting")
    }

    @Test("BEP 11: who is told of is dialled, but never becomes what the user has given")
    func believing() throws {
        let script = ScriptedPeer(try Self.sample(), isSeed: false)
        script.connect()
        let peer = Endpoint(.v4(0x0A00_0909), port: 6881)
        script.say(.haveNone, Self.exchange([peer]))
        #expect(script.peer.dials.map(\.1) == [peer])
        #expect(script.peer.session.book.entries[peer]?.source == .pex)
        #expect(script.peer.session.book.entries[peer]?.isExplicit == false)
        script.peer.update { $0.add(peers: [peer], source: .user, now: $1) }
        script.say(Self.exchange([peer]))
        #expect(script.peer.session.book.entries[peer]?.source == .user, "and hearsay takes nothing back")
    }

    @Test(
        "BEP 11: a stranger's word leads neither into our own network nor to other services nor to addresses of no host"
    )
    func ownNetwork() throws {
        let bad = [
            "10.0.0.9:9", "192.168.1.1:80", "127.0.0.1:80", "169.254.1.1:1", "224.0.0.1:6881", "0.0.0.0:5", "[::1]:80",
            "[fe80::1]:80", "[fc00::1]:80", "[ff02::1]:80", "[::ffff:10.0.0.1]:80",
        ]
        let script = ScriptedPeer(try Self.sample(), isSeed: false, address: Endpoint(.v4(0x0808_0808), port: 6881))
        script.connect()
        script.say(.haveNone, Self.exchange(bad.compactMap { Endpoint($0) }))
        #expect(script.peer.dials.isEmpty)
        // Nor to what is no peer's: mail, a terminal, a chat server, what browsers block.
        let services = [25, 22, 6667, 10_080].map { Endpoint(.v4(0x0909_0909), port: $0) }
        script.say(Self.exchange(services))
        #expect(script.peer.dials.isEmpty)
        script.peer.now += .seconds(60)
        script.say(Self.exchange([Endpoint(.v4(0x0909_0909), port: 80)]))
        #expect(script.peer.dials.count == 1)
    }

    @Test("BEP 11: what one peer tells is bounded, by ports of one host too, and messages without end are a flood")
    func flood() throws {
        let script = ScriptedPeer(try Self.sample(), isSeed: false, address: Endpoint(.v4(0x0808_0808), port: 6881))
        script.connect()
        script.say(.haveNone)
        let one = (1...50).map { Endpoint(.v4(0x0909_0909), port: 7000 + UInt16($0)) }
        script.say(Self.exchange(one))
        #expect(script.peer.session.book.entries.count == 1)
        for round in 0..<10 {
            script.peer.now += .seconds(60)
            script.say(
                Self.exchange((0..<50).map { Endpoint(.v4(0x0A0A_0A0A + UInt32(round * 50 + $0) << 8), port: 6881) })
            )
        }
        #expect(script.peer.session.book.entries.count <= PeerBook.maximumPerTeller)
        for _ in 0..<20 { script.say(Self.exchange(one)) }
        #expect(script.peer.closings.last == .flooding)
    }

    // MARK: Introductions

    private static let punching = ExtensionTable.Name.holepunch

    /// A message under our number for ut_holepunch: the fifth name.
    private static func punch(_ kind: HolepunchMessage.Kind, _ endpoint: Endpoint) -> PeerMessage {
        .extended(id: 5, payload: HolepunchMessage(kind, endpoint).encoded)
    }

    @Test("BEP 55: the relay introduces both to each other, and says why it cannot")
    func relay() throws {
        let script = ScriptedPeer(try Self.sample(), isSeed: true) { $0.usesUTP = true }
        let target = try #require(script.take(slot: 2, saying: [.haveNone, Self.extensions([Self.punching: 8])]))
        script.take(slot: 3, saying: [.haveNone, Self.extensions([:])])
        script.connect()
        script.say(.haveNone, Self.extensions([Self.punching: 9], port: 7777))
        _ = script.heard()
        _ = script.peer.outgoing.removeValue(forKey: target)
        func endpoint(_ number: UInt32) -> Endpoint { Endpoint(.v4(0x0A00_0100 + number), port: 6881) }
        let own = Endpoint(ScriptedPeer.address.address, port: 7777)
        let cases: [(Endpoint, HolepunchMessage)] = [
            (endpoint(2), HolepunchMessage(.connect, endpoint(2))),
            (endpoint(3), HolepunchMessage(.error, endpoint(3), failure: .noSupport)),
            (endpoint(4), HolepunchMessage(.error, endpoint(4), failure: .notConnected)),
            (own, HolepunchMessage(.error, own, failure: .noSelf)),
        ]
        for (wanted, answer) in cases {
            script.say(Self.punch(.rendezvous, wanted))
            #expect(script.heard().messages == [.extended(id: 9, payload: answer.encoded)])
        }
        let introduction = PeerMessage.extended(id: 8, payload: HolepunchMessage(.connect, own).encoded)
        #expect(script.peer.outgoing[target] == introduction.encoded)
    }

    @Test("BEP 55: who is introduced is dialled at once over uTP, a bounded number of times, and never twice")
    func meeting() throws {
        let script = ScriptedPeer(try Self.sample(), isSeed: false) { $0.usesUTP = true }
        script.connect()
        script.say(.haveNone, Self.extensions([Self.punching: 9]))
        let peer = Endpoint(.v4(0x0A00_0909), port: 6881)
        for _ in 0..<3 { script.say(Self.punch(.connect, peer)) }
        #expect(script.peer.dials.map(\.1) == [peer])
        #expect(script.peer.routes == [DialRoute(isUTPOnly: true)])
        for number in 1...100 {
            script.say(Self.punch(.connect, Endpoint(.v4(0x0A01_0000 + UInt32(number)), port: 6881)))
        }
        #expect(script.peer.dials.count <= TorrentSession.maximumHolepunches)
    }

    @Test("BEP 55: when an address does not answer, the peer that told us of it is asked to introduce us")
    func asking() throws {
        let script = ScriptedPeer(try Self.sample(), isSeed: false) { $0.usesUTP = true }
        script.connect()
        script.say(.haveNone, Self.extensions([Self.punching: 9]))
        let peer = Endpoint(.v4(0x0A00_0909), port: 6881)
        script.say(Self.exchange([peer]))
        _ = script.heard()
        let dial = try #require(script.peer.dials.first)
        script.peer.update { $0.closed(dial.0, now: $1) }
        let expected = PeerMessage.extended(id: 9, payload: HolepunchMessage(.rendezvous, peer).encoded)
        #expect(script.heard().messages == [expected])
    }

    // MARK: Two families

    @Test(
        "BEP 10: a peer is told where it reaches us in the other family, once peers there have said so; never another network's"
    )
    func otherFamily() throws {
        let script = ScriptedPeer(try Self.sample(), isSeed: true, address: Endpoint(.v4(0x0808_0808), port: 1))
        let seen = IPAddress.v6(high: 0x2A01_0203_0405_0607, low: 9)
        var handshake = ExtensionHandshake()
        handshake.yourAddress = seen
        for number in 1...3 as ClosedRange<UInt64> {
            let peer = Endpoint(.v6(high: 0x2A00_0000_0000_0000 + number << 32, low: 1), port: 6881)
            let connection = try #require(script.join(from: peer, number: UInt8(number)))
            for message in [PeerMessage.haveNone, .extended(id: 0, payload: handshake.encoded)] {
                script.peer.receive(message.encoded, on: connection)
            }
        }
        script.connect()
        #expect(Self.addresses(script.heard().messages) == [seen])
        let inside = ScriptedPeer(try Self.sample(), isSeed: true) { $0.otherAddresses = [seen] }
        inside.connect()
        #expect(Self.addresses(inside.heard().messages) == [], "it is in a private network, and that address is not")
        #expect(script.peer.session.book.own == [nil, Endpoint(seen, port: 0)])
    }

    @Test(
        "BEP 10: what the program knows of its addresses is told to peers of the other family, one of each, in their own network"
    )
    func ownAddresses() throws {
        let (four, six) = (IPAddress.v4(0x0B16_212C), IPAddress.v6(high: 0x2A01_0203_0405_0607, low: 9))
        func told(by known: [IPAddress], to peer: Endpoint) throws -> [IPAddress]? {
            let script = ScriptedPeer(try Self.sample(), isSeed: true, address: peer)
            script.peer.update { session, _ in
                session.reachedAt = known
                return []
            }
            script.connect()
            return Self.addresses(script.heard().messages)
        }
        let (public4, private4) = (Endpoint(.v4(0x0808_0808), port: 1), Endpoint(.v4(0x0A00_0001), port: 1))
        #expect(try told(by: [four, six], to: public4) == [six])
        #expect(try told(by: [four], to: public4) == [])
        #expect(try told(by: [six], to: private4) == [])
        let local = IPAddress.v6(high: 0xFD77_0000_0000_0000, low: 1)
        #expect(try told(by: [local], to: public4) == [])
        #expect(try told(by: [local], to: private4) == [local])
    }

    private static func addresses(_ messages: [PeerMessage]) -> [IPAddress]? {
        for case .extended(id: 0, let payload) in messages {
            return (try? ExtensionHandshake(parsing: payload))?.otherAddresses
        }
        return nil
    }

    // MARK: Places

    @Test("BEP 40: a full session gives the place of an idle peer to one that is to be preferred, and to no other")
    func displacement() throws {
        let script = ScriptedPeer(try Self.sample(), isSeed: true) { $0.maximumConnections = 3 }
        let own = Endpoint(.v4(0x7BD5_200A), port: 6881)
        script.peer.update { session, now in
            session.book.own[0] = own
            return session.add(peers: [], now: now)
        }
        let addresses = (1...40).map { Endpoint(.v4(0x0900_0000 + UInt32($0) << 16), port: 6881) }
            .sorted { PeerPriority.of(own, $0) < PeerPriority.of(own, $1) }
        for (index, address) in addresses[10..<13].enumerated() {
            #expect(script.join(from: address, number: UInt8(index + 1)) != nil)
        }
        #expect(script.join(from: addresses[39], number: 9) == nil, "nobody has been idle")
        Self.pass(script, seconds: 70)
        #expect(script.join(from: addresses[0], number: 10) == nil, "it is to be preferred less than all")
        #expect(script.join(from: addresses[39], number: 11) != nil)
        #expect(script.peer.closings == [.displaced])
        #expect(!script.peer.session.endpoints.contains(addresses[10]), "the least preferred has gone")
    }
}
