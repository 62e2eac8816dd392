// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

@testable internal import BitTorrent
@testable internal import Kademlia

extension FuzzTarget {
    static let networks: [FuzzTarget] = [
        FuzzTarget(
            "krpc",
            maximumLength: 2048,
            vectors: ["krpc", "bep44"],
            samples: { queries.map(\.encoded) },
            run: krpc
        ),
        FuzzTarget("dht-node", vectors: ["krpc"], samples: dhtSamples, run: dhtNode),
        FuzzTarget(
            "zone-messages",
            maximumLength: 2048,
            samples: { zoneSamples.map(\.encoded) },
            run: krpc
        ),
        FuzzTarget("zone-node", samples: ZoneTrial.samples, run: { try ZoneTrial.run($0) }),
        FuzzTarget("peer-records", maximumLength: 1100, samples: recordSamples, run: peerRecord),
        FuzzTarget("dht-state", maximumLength: 16_384, samples: dhtStates, run: dhtState),
        FuzzTarget("utp-packets", maximumLength: 256, samples: packetSamples, run: utpPackets),
        FuzzTarget(
            "utp",
            maximumLength: 2048,
            samples: { [[1, 2, 3, 0, 3, 1, 2, 3], [1, 3, 0, 3, 1, 3, 0]] },
            run: { try UTPTrial.run($0) }
        ),
    ]

    private static let queries: [KRPCMessage] = {
        let methods: [KRPCQuery.Method] = [
            .ping, .findNode(target: torrentHash), .getPeers(infoHash: torrentHash), .scrape(infoHash: torrentHash),
            .sampleInfohashes(target: torrentHash), .get(target: torrentHash, sequence: 3),
            .announcePeer(KRPCAnnounce(infoHash: torrentHash, port: 6881, token: [1, 2, 3, 4])),
            .put(KRPCPut(token: [1, 2, 3, 4], value: Array("5:hello".utf8), mutable: nil)),
        ]
        var response = KRPCResponse(sender: torrentHash)
        response.nodes = [Contact(id: torrentHash, endpoint: Endpoint(.v4(0x0102_0304), port: 5))]
        response.values = [Endpoint(.v4(0x0102_0305), port: 6)]
        response.token = [9]
        response.value = Array("i5e".utf8)
        response.samples = KRPCSamples(infoHashes: [torrentHash], total: 5, interval: 60)
        return methods.map {
            KRPCMessage(transaction: [1, 2], body: .query(KRPCQuery(sender: torrentHash, method: $0)))
        }
            + [
                KRPCMessage(transaction: [3], body: .response(response)),
                KRPCMessage(transaction: [4], body: .fault(KRPCFault(code: 201, text: "no"))),
            ]
    }()

    /// BEP 5; the short way and the long way read the same (`PlainQuery`, `KRPCMessage`).
    @Sendable private static func krpc(_ bytes: [UInt8]) throws {
        let message = try? KRPCMessage(parsing: bytes)
        if let plain = PlainQuery(bytes.span) {
            guard case .query(let query)? = message?.body else {
                throw Broken(description: "what is a plain query is a query")
            }
            try hold(query.sender == plain.sender, "both ways read the same sender")
            try hold(message?.transaction == Array(bytes[plain.transaction]), "both ways read the same transaction")
            try hold(message?.isReadOnly == plain.isReadOnly, "both ways read the same flag")
            try hold(query.want == wanted(plain), "both ways read the same families")
            try hold(query.method == method(plain), "both ways read the same method: \(query.method)")
        }
        guard let message else { return }
        if case .malformedQuery = message.body { return }
        if case .query(let query) = message.body, case .other = query.method { return }
        let written = message.encoded
        guard let again = try? KRPCMessage(parsing: written) else {
            throw Broken(description: "a message is read as it was written: \(written.text)")
        }
        try hold(again == message || again.encoded == written, "a message survives being written")
    }

    static let zoneSamples: [KRPCMessage] = {
        let digests = [ZoneDigest(id: 1, sequence: 2), ZoneDigest(id: 3, sequence: 4)]
        let item = ZoneItem(age: 7, bytes: ZoneTrial.record(1, 5).bytes)
        let kinds: [ZoneQuery.Kind] = [
            .tell(digests, own: item, back: [1]), .compare(Array(0..<64), from: 3), .get([1, 2]),
        ]
        var response = KRPCResponse(sender: torrentHash)
        var answer = ZoneAnswer(isActedOn: true)
        (answer.digests, answer.next, answer.items) = (digests, 4, [item])
        (response.zone, response.token) = (answer, [1, 2])
        return kinds.map { kind in
            let query = ZoneQuery(tag: ZoneTrial.tag, token: [1], kind: kind)
            return KRPCMessage(
                transaction: [1],
                body: .query(KRPCQuery(sender: torrentHash, method: .zone(query)))
            )
        } + [KRPCMessage(transaction: [2], body: .response(response))]
    }()

    /// An envelope; payloads without an address, of one, and of as many and as odd ones as a record may have.
    private static func recordSamples() -> [[UInt8]] {
        let kinds = [
            PeerAddress(kind: "i2p-b32", value: [UInt8](repeating: 7, count: 128)), PeerAddress(kind: "x", value: [1]),
        ]
        let endpoints = ["192.0.2.1:1", "[2001:db8::1]:2"].compactMap { Endpoint($0) }.map { PeerAddress($0) }
        let full = PeerRecord.signed(
            by: signer,
            network: [UInt8](repeating: 1, count: 64),
            sequence: .max,
            life: 3600,
            addresses: kinds + endpoints + endpoints + kinds.suffix(1) + endpoints.prefix(1),
            at: 1_800_000_000
        )
        let records = [ZoneTrial.record(9, 4), ZoneTrial.record(9, 5), full].compactMap { $0?.bytes }
        return [ZoneTrial.record(1, 5).bytes] + records.compactMap(KnownKeys.payload(of:))
            + recordsBeyondBounds.map(\.payload)
    }

    /// Payloads of which one field is beyond its bound.
    static let recordsBeyondBounds: [(field: String, payload: [UInt8])] = {
        let record = ZoneTrial.record(9, 5)
        func address(_ kind: String, _ count: Int) -> CBOR {
            [.text(kind), .bytes([UInt8](repeating: 7, count: count))]
        }
        let addresses: [[CBOR]] = [
            [CBOR](repeating: address("x", 1), count: PeerRecord.maximumAddresses + 1), [address("ip", 5)],
            [address("x", 0)], [address("x", 129)], [address("", 1)], [address("IP", 1)],
            [address("abcdefghijklmnopq", 1)],
        ]
        let bodies: [(String, CBOR)] =
            [("life", 9), ("life", 3601), ("seq", "1")] + addresses.map { ("addrs", .array($0)) }
        let ends = [record.notBefore - 1, record.notBefore + 3601].map { ("expires", CBOR.unsigned($0)) }
        return (bodies + ends).compactMap { field, value in
            guard var fields = KnownKeys.payload(of: record.bytes).flatMap({ try? CBOR.decode($0) })?.map,
                var body = fields["body"]?.map
            else { return nil }
            if body[field] == nil { fields[field] = value } else { body[field] = value }
            fields["body"] = .map(body)
            return (field, CBOR.map(fields).encoded)
        }
    }()

    /// Those that the input gives: as an envelope, and as the payload of one whose signature is right.
    static func peerRecords(_ bytes: [UInt8]) -> [PeerRecord] {
        [bytes, KnownKeys.signed(bytes, type: PeerRecord.type)].compactMap { try? PeerRecord(reading: $0) }
    }

    /// What a record says is within its bounds, and read again the same.
    @Sendable private static func peerRecord(_ bytes: [UInt8]) throws {
        for record in peerRecords(bytes) {
            try hold(record.bytes.count <= PeerRecord.maximumByteCount, "a record fits a datagram")
            try hold(record.addresses.count <= PeerRecord.maximumAddresses, "a record has few addresses")
            try hold(PeerRecord.lives.contains(record.life), "a record's life is in its bounds")
            try hold(
                record.expires >= record.notBefore && record.expires - record.notBefore <= 3600,
                "a record ends soon after it began"
            )
            try hold(
                record.addresses.allSatisfy {
                    (1...16).contains($0.kind.utf8.count) && (1...128).contains($0.value.count)
                },
                "an address is short"
            )
            try hold(
                record.endpoints.count == record.addresses.count { $0.kind == "ip" },
                "an address of kind ip is one"
            )
            _ = (record.isCurrent(at: 1_800_000_000), record.isCurrent(at: 0), record.isCurrent(at: .max))
            try hold((try? PeerRecord(reading: record.bytes)) == record, "a record is read again the same")
        }
    }

    private static func wanted(_ plain: PlainQuery) -> Set<AddressFamily> {
        Set((plain.wantsV4 ? [AddressFamily.v4] : []) + (plain.wantsV6 ? [.v6] : []))
    }

    private static func method(_ plain: PlainQuery) -> KRPCQuery.Method {
        switch plain.method {
        case .ping: .ping
        case .findNode: .findNode(target: plain.target)
        case .getPeers: .getPeers(infoHash: plain.target)
        case .get: .get(target: plain.target, sequence: plain.sequence)
        }
    }

    private static func dhtSamples() -> [[UInt8]] {
        queries.map { [0, 1] + FuzzInput.chunk($0.encoded) + [2, 1, 5] + FuzzInput.chunk(Array("d1:rd2:id20:".utf8)) }
    }

    /// A node among hosts who say what they like; some of it carries the transaction and the token that the node gave.
    @Sendable private static func dhtNode(_ bytes: [UInt8]) throws {
        var input = FuzzInput(bytes)
        var trial = DHTTrial(input.byte())
        for _ in 0..<48 where !input.isAtEnd { try trial.step(&input) }
    }

    private static func dhtStates() -> [[UInt8]] {
        var state = DHTState(id: torrentHash)
        state.nodes = [Contact(id: torrentHash, endpoint: Endpoint(.v4(0x0102_0304), port: 5))]
        state.floors = [DHTState.Floor(target: torrentHash, sequence: 4)]
        let value = Array("5:hello".utf8)
        let publications: [Publication?] = [
            .peer(infoHash: torrentHash, port: 5), (try? ImmutableItem(value: value)).map { .immutable($0) },
            (try? MutableItem.signed(value: value, salt: [1], sequence: 4, by: signer)).map { .mutable($0) },
        ]
        state.kept = publications.compactMap { $0.map { DHTState.Kept(publication: $0, isOwn: true) } }
        // One more than are read.
        var crowd = DHTState(id: torrentHash)
        crowd.nodes = (0...UInt32(DHTState.maximumNodes)).map { number in
            Contact(id: torrentHash, endpoint: Endpoint(.v4(0x0102_0000 + number), port: 5))
        }
        return [state.encoded, crowd.encoded]
    }

    /// As it is, and with its items signed anew.
    @Sendable private static func dhtState(_ bytes: [UInt8]) throws {
        for state in dhtStates(bytes) {
            try hold(state.nodes.count <= 2 * DHTState.maximumNodes, "nodes are bounded")
            try hold(DHTState(parsing: state.encoded) == state, "a state survives being written")
            var node = DHTNode(seed: [UInt8](repeating: 1, count: 32), now: .zero)
            node.restore(state, now: .zero)
        }
    }

    /// Those that the input gives.
    static func dhtStates(_ bytes: [UInt8]) -> [DHTState] {
        [DHTState(parsing: bytes), signedAgain(state: bytes).flatMap { DHTState(parsing: $0) }].compactMap(\.self)
    }

    private static func signedAgain(state bytes: [UInt8]) -> [UInt8]? {
        guard let node = try? Bencode.parse(bytes, mode: .strict), case .dictionary(var fields) = value(of: node),
            case .list(let kept)? = fields[Array("kept".utf8)]
        else { return nil }
        fields[Array("kept".utf8)] = .list(kept.map(signedAgain(item:)))
        return BencodeValue.dictionary(fields).encoded
    }

    private static func signedAgain(item: BencodeValue) -> BencodeValue {
        guard case .dictionary(var fields) = item, case .bytes(let value)? = fields[Array("value".utf8)],
            case .bytes(let salt)? = fields[Array("salt".utf8)],
            case .integer(let sequence)? = fields[Array("seq".utf8)], case .bytes(let key)? = fields[Array("k".utf8)],
            let signer = KnownKeys.signer(for: PublicKey(key))
        else { return item }
        let message = MutableItem.signedBytes(salt: salt, sequence: sequence, value: value)
        fields[Array("sig".utf8)] = .bytes(signer.sign(message).bytes)
        return .dictionary(fields)
    }

    private static func packetSamples() -> [[UInt8]] {
        var plain: [UInt8] = []
        UTPHeader(type: .data, connectionID: 7, window: 9000, sequence: 1, acknowledged: 2).encode(into: &plain)
        var acknowledging: [UInt8] = []
        UTPHeader(type: .state, connectionID: 7, sequence: 1, acknowledged: 2).encode(
            into: &acknowledging,
            firstExtension: 1
        )
        return [plain + [1, 2, 3], acknowledging + [0, 4, 1, 0, 0, 128]]
    }

    /// BEP 29
    @Sendable private static func utpPackets(_ bytes: [UInt8]) throws {
        guard let packet = UTPPacket(bytes.span) else { return }
        try hold(
            packet.payload.upperBound == bytes.count && packet.payload.lowerBound >= 20,
            "the payload is the packet's end"
        )
        if let range = packet.selectiveAck {
            try hold(
                range.lowerBound >= 22 && range.upperBound <= packet.payload.lowerBound,
                "a mask lies before the payload"
            )
        }
        var written: [UInt8] = []
        packet.header.encode(into: &written, firstExtension: bytes[1])
        try hold(bytes.starts(with: written), "a header survives being written")
    }
}
