// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Synchronization
internal import Wire

@testable internal import Kademlia

/// A zone's node among hosts who say what they like, with good tokens and with records of real signatures among what they say:
/// well-formed ones, and such whose payload the input changes.
struct ZoneTrial: ~Copyable {
    static let network: [UInt8] = [7]
    static let tag = ZoneConfiguration(network: network).tag
    private static let wall: UInt64 = 1_800_000_000

    private var node: DHTNode
    private var now = Duration.seconds(1000)
    private var asked: [(transaction: [UInt8], to: Endpoint)] = []
    private var tokens: [Endpoint: [UInt8]] = [:]

    /// Signed once: signing takes longer than all else that an input causes.
    private static let records = Mutex<[[UInt64]: PeerRecord]>([:])

    /// By one of 16 peers.
    static func record(_ number: UInt8, _ sequence: UInt64) -> PeerRecord {
        let number = number % 16
        let key = [UInt64(number), sequence]
        if let known = records.withLock({ $0[key] }) { return known }
        let record = signed(number, sequence)
        records.withLock { $0[key] = record }
        return record
    }

    private static func signed(_ number: UInt8, _ sequence: UInt64) -> PeerRecord {
        let record = PeerRecord.signed(
            by: KnownKeys.all[Int(number)],
            network: network,
            sequence: sequence,
            life: 60,
            addresses: sequence % 5 == 4 ? [] : [PeerAddress(Endpoint(.v4(0xCB00_7101), port: 1 + UInt16(number)))],
            at: wall
        )
        guard let record else { preconditionFailure("a record of few bytes can be signed") }
        return record
    }

    static func run(_ bytes: [UInt8]) throws { _ = try records(heldAfter: bytes) }

    /// What the node holds in the end.
    static func records(heldAfter bytes: [UInt8]) throws -> [PeerRecord] {
        var input = FuzzInput(bytes)
        var trial = ZoneTrial()
        for _ in 0..<48 where !input.isAtEnd { try trial.step(&input) }
        return trial.node.zoneRecords(now: trial.now)
    }

    init() {
        var configuration = DHTConfiguration()
        var zone = ZoneConfiguration(network: Self.network)
        zone.maximumRecords = 6
        configuration.zone = zone
        configuration.localAddresses = [.v4(0xCB00_7101)]
        configuration.localPort = 6881
        node = DHTNode(configuration: configuration, seed: [UInt8](repeating: 3, count: 32), now: now)
    }

    private mutating func step(_ input: inout FuzzInput) throws {
        let kind = input.byte()
        let source = Endpoint(.v4(0xCB00_7110 + UInt32(kind >> 4)), port: 6881)
        switch kind % 5 {
        case 0: try take(node.receive(input.chunk(), from: source, now: now), from: source)
        case 1: try tell(&input, source)
        case 2: try answer(&input)
        case 3:
            now += .milliseconds(Int(input.short()) * 4)
            try take(node.tick(now: now), from: nil)
        default: try take(node.announce(Self.record(0, UInt64(input.byte())), wall: Self.wall, now: now), from: nil)
        }
        for load in node.loads { try hold(load.used <= load.bound, "\(load.name) has its bound") }
        let held = node.zoneRecords(now: now)
        try hold(held.count <= 6, "a zone has its bound")
        try hold(
            held.allSatisfy { $0.network == Self.network && PeerRecord.lives.contains($0.life) && !$0.isWithdrawn },
            "a zone holds records of its own network, for a life within bounds"
        )
    }

    /// The record with up to three stretches of its payload replaced before it is signed: where, how many bytes go, and what comes
    /// in their place.
    private static func envelope(_ record: PeerRecord, changedBy input: inout FuzzInput) -> [UInt8] {
        guard var payload = KnownKeys.payload(of: record.bytes) else { return record.bytes }
        for _ in 0..<1 + input.choice(3) {
            let place = Int(input.byte()) % (payload.count + 1)
            let end = min(place + Int(input.byte()), payload.count)
            payload.replaceSubrange(place..<end, with: input.take(Int(input.byte())))
        }
        return KnownKeys.signed(payload, type: PeerRecord.type)
    }

    private mutating func tell(_ input: inout FuzzInput, _ source: Endpoint) throws {
        let record = Self.record(input.byte(), UInt64(input.byte()))
        let digest = ZoneDigest(id: record.zoneID, sequence: record.sequence)
        let item: ZoneItem?
        switch input.byte() % 4 {
        case 1: item = nil
        case 3: item = ZoneItem(age: UInt32(input.byte()), bytes: Self.envelope(record, changedBy: &input))
        default: item = ZoneItem(age: UInt32(input.byte()), bytes: record.bytes)
        }
        let query = ZoneQuery(tag: Self.tag, token: tokens[source], kind: .tell([digest], own: item, back: [1]))
        let message = KRPCMessage(
            transaction: [1],
            body: .query(KRPCQuery(sender: FuzzTarget.torrentHash, method: .zone(query)))
        )
        try take(node.receive(message.encoded, from: source, now: now), from: source)
    }

    /// To a question that the node sent: with records, or with what the input says.
    private mutating func answer(_ input: inout FuzzInput) throws {
        let choice = Int(input.byte())
        guard !asked.isEmpty else { return }
        let query = asked.remove(at: choice % asked.count)
        var response = KRPCResponse(sender: FuzzTarget.torrentHash)
        var answer = ZoneAnswer(isActedOn: choice % 7 != 0)
        answer.items = (0..<input.byte() % 4).map { _ in
            let age = input.byte()
            let record = Self.record(input.byte(), UInt64(input.byte()))
            let bytes = age % 8 == 7 ? Self.envelope(record, changedBy: &input) : record.bytes
            return ZoneItem(age: UInt32(age), bytes: bytes)
        }
        answer.digests = (0..<input.byte() % 8).map { _ in
            ZoneDigest(id: UInt64(input.byte()) << 56, sequence: UInt64(input.byte()))
        }
        answer.next = choice % 3 == 0 ? choice % 64 : nil
        (response.zone, response.token) = (answer, [2])
        let message = KRPCMessage(transaction: query.transaction, body: .response(response))
        try take(node.receive(message.encoded, from: query.to, now: now), from: query.to)
    }

    private mutating func take(_ actions: [DHTNode.Action], from source: Endpoint?) throws {
        for action in actions {
            guard case .send(let datagram, let endpoint) = action else { continue }
            guard let message = try? KRPCMessage(parsing: datagram) else {
                throw Broken(description: "a node sends what a node reads: \(datagram.text)")
            }
            try hold(datagram.count <= 1400, "a datagram fits its way")
            switch message.body {
            case .query: asked = Array((asked + [(message.transaction, endpoint)]).suffix(32))
            case .response(let response):
                if let source, endpoint == source, let token = response.token { tokens[source] = token }
            default: break
            }
        }
    }

    // MARK: Samples

    static func samples() -> [[UInt8]] {
        FuzzTarget.zoneSamples.map { [0] + FuzzInput.chunk($0.encoded) + [1, 1, 5, 2, 3, 3, 200, 200] }
            + changes.compactMap { changed($0, to: $1) }
    }

    private static let changes: [(String, to: [UInt8])] = [
        ("life", [24, 120]), ("life", [0]), ("seq", [24, 200]), ("addrs", [0x80]), ("network", [0x41, 8]),
        ("notBefore", [0]), ("expires", [0]),
    ]

    /// Our own word, a token, and what a peer says of itself, with a field of its record changed.
    static func changed(_ field: String, to value: [UInt8]) -> [UInt8]? {
        let record = record(2, 5)
        let key = CBOR.text(field).encoded
        guard let payload = KnownKeys.payload(of: record.bytes), let fields = try? CBOR.decode(payload),
            let old = (fields["body"]?[field] ?? fields[field])?.encoded,
            let start = payload.indices.first(where: { payload[$0...].starts(with: key + old) }),
            let place = UInt8(exactly: start + key.count), let length = UInt8(exactly: old.count)
        else { return nil }
        let edit = [0, place, length, UInt8(value.count)] + value
        return [4, 5, 0] + FuzzInput.chunk(FuzzTarget.zoneSamples[0].encoded) + [1, 2, 5, 3, 0] + edit
    }
}
