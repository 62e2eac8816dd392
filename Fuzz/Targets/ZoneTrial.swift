// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

@testable internal import Kademlia

/// A zone's node among hosts who say what they like, with good tokens and with records of real signatures among what they say.
struct ZoneTrial: ~Copyable {
    static let network: [UInt8] = [7]
    static let tag = ZoneConfiguration(network: network).tag
    private static let wall: UInt64 = 1_800_000_000

    private var node: DHTNode
    private var now = Duration.seconds(1000)
    private var asked: [(transaction: [UInt8], to: Endpoint)] = []
    private var tokens: [Endpoint: [UInt8]] = [:]

    static func record(_ number: UInt8, _ sequence: UInt64) -> PeerRecord {
        let key = SigningKey(seed: [UInt8](repeating: number, count: 32)) ?? FuzzTarget.signer
        let record = PeerRecord.signed(
            by: key,
            network: network,
            sequence: sequence,
            life: 60,
            addresses: sequence % 5 == 4 ? [] : [PeerAddress(Endpoint(.v4(0xCB00_7101), port: 1 + UInt16(number)))],
            at: wall
        )
        guard let record else { preconditionFailure("a record of few bytes can be signed") }
        return record
    }

    static func run(_ bytes: [UInt8]) throws {
        var input = FuzzInput(bytes)
        var trial = ZoneTrial()
        for _ in 0..<48 where !input.isAtEnd { try trial.step(&input) }
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
        try hold(node.zoneRecords(now: now).count <= 6, "a zone has its bound")
    }

    private mutating func tell(_ input: inout FuzzInput, _ source: Endpoint) throws {
        let record = Self.record(input.byte() % 16, UInt64(input.byte()))
        let digest = ZoneDigest(id: record.zoneID, sequence: record.sequence)
        let item = input.byte() % 2 == 0 ? ZoneItem(age: UInt32(input.byte()), bytes: record.bytes) : nil
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
            ZoneItem(age: UInt32(input.byte()), bytes: Self.record(input.byte() % 16, UInt64(input.byte())).bytes)
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
}
