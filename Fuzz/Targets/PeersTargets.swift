// SPDX-License-Identifier: Apache-2.0
internal import Wire

@testable internal import BitTorrent

extension FuzzTarget {
    static let peers: [FuzzTarget] = [
        FuzzTarget("peer-wire", samples: wireSamples, run: peerWire),
        FuzzTarget("handshakes", maximumLength: 256, samples: { [handshake.encoded + [0, 0, 0, 0]] }, run: handshakes),
        FuzzTarget("extensions", samples: extensionSamples, run: extensions),
        FuzzTarget("obfuscation", maximumLength: 512, samples: { [[0], [3, 3, 8, 0, 0, 96, 1]] }, run: obfuscation),
        FuzzTarget("sessions", maximumLength: 8192, samples: SessionTrial.samples, run: { try SessionTrial.run($0) }),
    ]

    static let handshake = Handshake(
        capabilities: [.extensions, .fast, .v2, .dht],
        hash: torrentHash,
        peerID: Digest160(Array("-XX0001-abcdefghijkl".utf8)) ?? .zero
    )
    static let torrentHash = samples[0].infoHashes.short.first ?? .zero

    static let messages: [PeerMessage] = [
        .keepAlive, .choke, .unchoke, .interested, .notInterested, .have(1), .bitfield([0xF0]), .port(6881),
        .suggest(2),
        .request(BlockRange(piece: 0, offset: 0, length: 16_384)),
        .cancel(BlockRange(piece: 0, offset: 0, length: 16_384)),
        .haveAll, .haveNone, .reject(BlockRange(piece: 0, offset: 16_384, length: 16_384)), .allowedFast(0),
        .extended(id: 0, payload: extensionHandshake.encoded),
        .hashRequest(hashRequest), .hashReject(hashRequest), .hashes(hashRequest, [.zero, .zero]),
    ]

    private static let hashRequest = HashRequest(
        piecesRoot: samples[1].files.compactMap(\.piecesRoot).last ?? .zero,
        baseLayer: 1,
        index: 0,
        length: 2,
        proofLayers: 1
    )

    private static var extensionHandshake: ExtensionHandshake {
        var handshake = ExtensionHandshake()
        handshake.extensions = ["ut_metadata": 3, "ut_pex": 1, "ut_holepunch": 4, "lt_donthave": 7]
        handshake.client = "Other 1.0"
        handshake.listenPort = 6881
        handshake.requestQueue = 250
        handshake.yourAddress = .v4(0x0102_0304)
        handshake.metadataSize = samples[0].infoDictionary.count
        return handshake
    }

    private static func wireSamples() -> [[UInt8]] {
        var block: [UInt8] = []
        PeerMessage.encodePieceHeader(BlockRange(piece: 0, offset: 0, length: 12), into: &block)
        block += [UInt8](repeating: 1, count: 12)
        return messages.map { [5] + $0.encoded } + [[3] + block + PeerMessage.unchoke.encoded]
    }

    /// The first byte says in portions of how many bytes the rest comes.
    @Sendable private static func peerWire(_ bytes: [UInt8]) throws {
        var input = FuzzInput(bytes)
        let portion = max(1, Int(input.byte()))
        let stream = input.rest()
        let whole = messages(of: stream, portion: max(1, stream.count))
        let parts = messages(of: stream, portion: portion)
        try hold(whole.failed == parts.failed, "an error does not depend on how the bytes come")
        try hold(whole.messages == parts.messages, "messages do not depend on how the bytes come")
        try hold(whole.payload == parts.payload, "nor do blocks")
        for message in whole.messages {
            let again = messages(of: message.encoded, portion: 1 << 20)
            try hold(again.messages == [message] && !again.failed, "a message survives being written: \(message)")
        }
    }

    private static func messages(
        of stream: [UInt8],
        portion: Int
    ) -> (messages: [PeerMessage], payload: [UInt8], failed: Bool) {
        var parser = PeerMessageParser(limits: PeerMessageParser.Limits(bitfieldBytes: 64))
        var (messages, payload): ([PeerMessage], [UInt8]) = ([], [])
        var start = 0
        while start < stream.count {
            let part = Array(stream[start..<min(start + portion, stream.count)])
            start += part.count
            var offset = 0
            do {
                while let event = try parser.next(part.span, offset: &offset) {
                    switch event {
                    case .message(let message): messages.append(message)
                    case .block(let block): payload += block.bytesForComparison
                    case .payload(let range): payload += part[range]
                    }
                }
            } catch {
                return (messages, payload, true)
            }
        }
        return (messages, payload, false)
    }

    @Sendable private static func handshakes(_ bytes: [UInt8]) throws {
        let prefix = try? Handshake.parsePrefix(bytes[...])
        guard let whole = try? Handshake.parse(bytes[...]) else {
            try hold(
                prefix == nil || bytes.count < Handshake.byteCount,
                "68 bytes with a right beginning are a handshake"
            )
            return
        }
        try hold(bytes.starts(with: whole.encoded), "a handshake survives being written")
        try hold(prefix?.hash == whole.hash, "the beginning of a handshake has its hash")
    }

    private static func extensionSamples() -> [[UInt8]] {
        let contacts = [PeerExchangeMessage.Contact(Endpoint(.v4(0x0102_0304), port: 5), [.utp])]
        let exchange = PeerExchangeMessage(added: contacts, dropped: contacts.map(\.endpoint))
        return [
            [0] + extensionHandshake.encoded, [1] + exchange.encoded,
            [2] + MetadataMessage.data(piece: 0, totalSize: 300, bytes: [1, 2]).encoded,
            [2] + MetadataMessage.request(piece: 3).encoded,
            [3] + HolepunchMessage(.error, Endpoint(.v4(1), port: 2), failure: .noSupport).encoded,
        ]
    }

    /// The first byte chooses the extension.
    @Sendable private static func extensions(_ bytes: [UInt8]) throws {
        let payload = Array(bytes.dropFirst())
        switch (bytes.first ?? 0) % 4 {
        case 0:
            guard let read = try? ExtensionHandshake(parsing: payload) else { return }
            try hold(
                (try? ExtensionHandshake(parsing: read.encoded)) == read,
                "an extension handshake survives being written"
            )
        case 1:
            guard let read = try? PeerExchangeMessage(parsing: payload, id: 1) else { return }
            try hold(read.added.count <= 2 * PeerExchangeMessage.maximumRead, "contacts are bounded")
            try hold((try? PeerExchangeMessage(parsing: read.encoded, id: 1)) == read, "contacts survive being written")
        case 2:
            guard let read = try? MetadataMessage.parse(payload, id: 2) else { return }
            try hold(
                (try? MetadataMessage.parse(read.encoded, id: 2)) == read,
                "a metadata message survives being written"
            )
        default:
            guard let read = try? HolepunchMessage.parse(payload, id: 3) else { return }
            try hold(
                (try? HolepunchMessage.parse(read.encoded, id: 3)) == read,
                "a holepunch message survives being written"
            )
        }
    }

    /// Two ends of one handshake, between which the input changes bytes: where, by what, and in which portions they come.
    /// RC4 lets a change through to the text beneath, so this reaches every field.
    @Sendable private static func obfuscation(_ bytes: [UInt8]) throws {
        var input = FuzzInput(bytes)
        let methods = [ObfuscationMethods.plain, .rc4, [.plain, .rc4], []]
        let (ours, theirs) = (methods[input.choice(4)], methods[input.choice(4)])
        var dialling = end(isInitiator: true, ours, &input)
        dialling.hash = torrentHash
        var dialled = end(isInitiator: false, theirs, &input)
        let payload = [UInt8](repeating: 7, count: Int(input.byte()))
        _ = dialling.prepend(payload)
        let isClean = input.isAtEnd
        var toDialled = dialling.opening()
        var received: [UInt8] = []
        do {
            for _ in 0..<8 where !toDialled.isEmpty {
                let answer = try deliver(change(toDialled, &input), to: &dialled, &input)
                received += answer.received
                let reply = try deliver(change(answer.send, &input), to: &dialling, &input)
                toDialled = reply.send
            }
        } catch {
            try hold(!isClean || ours.isDisjoint(with: theirs), "two ends that share a method agree: \(error)")
            return
        }
        guard isClean, !ours.isDisjoint(with: theirs) else { return }
        try hold(
            dialled.isEstablished && dialling.isEstablished && received == payload,
            "an untouched handshake ends well"
        )
    }

    /// With a short key: what the exponentiation costs leaves little time for anything else.
    private static func end(
        isInitiator: Bool,
        _ methods: ObfuscationMethods,
        _ input: inout FuzzInput
    ) -> ObfuscatedConnection {
        ObfuscatedConnection(
            isInitiator: isInitiator,
            methods: methods,
            privateKey: [isInitiator ? 3 : 5, 7],
            padding: [UInt8](repeating: 1, count: Int(input.short()) % 513),
            trailingPadding: Int(input.byte())
        )
    }

    private static let knownHashes: ObfuscatedHashes = {
        var hashes = ObfuscatedHashes()
        hashes.insert(torrentHash)
        return hashes
    }()

    private static func deliver(
        _ bytes: [UInt8],
        to connection: inout ObfuscatedConnection,
        _ input: inout FuzzInput
    ) throws(ObfuscationError) -> ObfuscatedConnection.Output {
        var output = ObfuscatedConnection.Output()
        var rest = bytes[...]
        while !rest.isEmpty {
            let portion = input.byte()
            let part = portion == 0 ? rest : rest.prefix(Int(portion))
            rest = rest.dropFirst(part.count)
            let step = try connection.receive(part) { knownHashes.hash(named: $0) }
            output.send += step.send
            output.received += step.received
        }
        return output
    }

    private static func change(_ bytes: [UInt8], _ input: inout FuzzInput) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<input.choice(4) where !bytes.isEmpty {
            let place = Int(input.short()) % bytes.count
            bytes[place] ^= input.byte()
        }
        return bytes
    }
}

extension BlockRange {
    fileprivate var bytesForComparison: [UInt8] {
        var bytes: [UInt8] = []
        PeerMessage.encodePieceHeader(self, into: &bytes)
        return bytes
    }
}
