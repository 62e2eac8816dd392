// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Kademlia

@Suite struct StoreTests {
    private let near = NodeID.zero

    private func item(_ text: String, _ sequence: Int64, seed: UInt8 = 1) throws -> MutableItem {
        let key = try #require(SigningKey(seed: Array(repeating: seed, count: 32)))
        return try MutableItem.signed(value: BencodeValue.string(text).encoded, sequence: sequence, by: key)
    }

    @Test("S2-11, BEP 44: a lower sequence number never replaces a higher one, up to 2^63 - 1")
    func sequences() throws {
        var store = ItemStore(capacity: 10)
        for sequence in [0, 1, 5, Int64.max] {
            try store.put(item("v\(sequence)", sequence), near: near, now: .zero)
        }
        for sequence in [0, 5, Int64.max - 1] {
            #expect(throws: KRPCFault.sequenceTooLow) {
                try store.put(item("late", sequence), near: near, now: .zero)
            }
        }
        let target = try item("", 0).target
        #expect(store.mutable(target, now: .zero)?.sequence == Int64.max)
    }

    @Test("S2-11, BEP 44: cas must name the stored number, and is ignored where nothing is stored")
    func compareAndSwap() throws {
        var store = ItemStore(capacity: 10)
        try store.put(item("a", 3), expecting: 99, near: near, now: .zero)
        #expect(throws: KRPCFault.sequenceMismatch) {
            try store.put(item("b", 4), expecting: 2, near: near, now: .zero)
        }
        #expect(try store.put(item("b", 4), expecting: 3, near: near, now: .zero))
    }

    @Test("Two values under one number are refused and kept as evidence, once")
    func conflict() throws {
        var store = ItemStore(capacity: 10)
        let (first, second) = try (item("one", 7), item("two", 7))
        try store.put(first, near: near, now: .zero)
        for _ in 0..<2 {
            #expect(throws: KRPCFault.sequenceTooLow) { try store.put(second, near: near, now: .zero) }
        }
        #expect(store.conflicts == [ItemConflict(first: first, second: second)])
        #expect(store.mutable(first.target, now: .zero) == first)
    }

    @Test("BEP 44: an item lives two hours, and the same put again renews it")
    func expiry() throws {
        var store = ItemStore(capacity: 10)
        let item = try item("x", 1)
        try store.put(item, near: near, now: .zero)
        #expect(try store.put(item, near: near, now: .seconds(3600)) == false)
        #expect(store.mutable(item.target, now: .seconds(2 * 3600 + 1)) == item)
        #expect(store.mutable(item.target, now: .seconds(3 * 3600 + 1)) == nil)
        store.expire(now: .seconds(3 * 3600 + 1))
        #expect(store.count == 0)
    }

    @Test("A full store keeps the items closest to its id, and its own")
    func capacity() throws {
        var store = ItemStore(capacity: 20)
        let own = try ImmutableItem(value: BencodeValue.string("own").encoded)
        store.put(own, isOwn: true, near: near, now: .zero)
        var targets: [NodeID] = []
        for number in 0..<200 {
            let item = try ImmutableItem(value: BencodeValue.integer(Int64(number)).encoded)
            targets.append(item.target)
            store.put(item, near: near, now: .zero)
        }
        #expect(store.count == 20)
        #expect(store.immutable(own.target, now: .seconds(99_999)) == own)
        for target in targets.sorted(by: { $0 ^ near < $1 ^ near }).prefix(19) {
            #expect(store.immutable(target, now: .zero) != nil)
        }
    }

    @Test("BEP 44: values over 1,000 bytes, salts over 64, negative numbers and sloppy bencoding are no items")
    func forms() throws {
        let key = try #require(SigningKey(seed: Array(repeating: 1, count: 32)))
        let large = BencodeValue.bytes(Array(repeating: 1, count: 997)).encoded
        #expect(throws: ItemError.valueTooLarge(bytes: 1001)) {
            try MutableItem.signed(value: large, sequence: 1, by: key)
        }
        #expect(throws: ItemError.saltTooLarge(bytes: 65)) {
            try MutableItem.signed(value: [48, 58], salt: Array(repeating: 1, count: 65), sequence: 1, by: key)
        }
        #expect(throws: ItemError.negativeSequence(-1)) {
            try MutableItem.signed(value: [48, 58], sequence: -1, by: key)
        }
        for text in ["", "x", "i01e", "d1:b0:1:a0:e", "1:ab", "le1"] {
            #expect(throws: ItemError.invalidValue) { try ImmutableItem(value: Array(text.utf8)) }
        }
    }

    @Test("Peers live 45 minutes; swarms, peers of a swarm and all peers are bounded")
    func peers() {
        var random = SplitMix64(seed: 1)
        var store = PeerStore(infoHashes: 3, peersEach: 5, total: 8)
        let hashes = (0..<4).map { _ in Digest160.random(using: &random) }
        for number in 1...6 as ClosedRange<UInt32> {
            store.announce(Endpoint(.v4(number << 24), port: 1), for: hashes[0], now: .seconds(Int(number)))
        }
        #expect(store.count == 5)
        let oldest = Endpoint(.v4(1 << 24), port: 1)
        let listed = store.peers(for: hashes[0], family: .v4, limit: 9, now: .seconds(7), using: &random)
        #expect(listed.count == 5 && !listed.contains(oldest))
        #expect(store.peers(for: hashes[0], family: .v6, limit: 9, now: .seconds(7), using: &random).isEmpty)
        for hash in hashes.dropFirst() {
            for number in 1...3 as ClosedRange<UInt32> {
                store.announce(Endpoint(.v4(number << 24), port: 2), for: hash, now: .seconds(8))
            }
        }
        #expect(store.count <= 8)
        store.expire(now: .seconds(46 * 60 + 8))
        #expect(store.count == 0)
    }

    @Test("BEP 5: a token holds for its address for five to ten minutes")
    func tokens() throws {
        var tokens = WriteTokens(secret: [1], now: .zero)
        let (one, other) = (IPAddress.v4(1), IPAddress.v4(2))
        let token = tokens.token(for: one)
        #expect(tokens.accepts(token, from: one))
        #expect(!tokens.accepts(token, from: other))
        #expect(!tokens.accepts([], from: one))
        tokens.rotate(now: .seconds(299), secret: [9])
        tokens.rotate(now: .seconds(301), secret: [2])
        #expect(tokens.accepts(token, from: one))
        tokens.rotate(now: .seconds(602), secret: [3])
        #expect(!tokens.accepts(token, from: one))
    }

    @Test("What a node carries over a restart reads back; a damaged state is refused or read in part")
    func state() throws {
        var random = SplitMix64(seed: 3)
        var state = DHTState(id: .random(using: &random))
        state.nodes = (1...20).map {
            Contact(id: .random(using: &random), endpoint: Endpoint(.v4(0x0A00_0000 + $0), port: 9))
        }
        state.nodes.append(Contact(id: .zero, endpoint: Endpoint(.v6(high: 1, low: 2), port: 9)))
        state.floors = [.init(target: .random(using: &random), sequence: .max)]
        state.kept = [
            .init(publication: .mutable(try item("kept", 4)), isOwn: true),
            .init(publication: .peer(infoHash: .random(using: &random), port: nil), isOwn: false),
            .init(publication: .immutable(try ImmutableItem(value: [105, 49, 101])), isOwn: true),
        ]
        #expect(DHTState(parsing: state.encoded) == state)
        for damaged in HostileInput.mutations(of: state.encoded, count: 1000, seed: 4) {
            _ = DHTState(parsing: damaged)
        }
    }
}
