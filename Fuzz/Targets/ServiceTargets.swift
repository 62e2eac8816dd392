// SPDX-License-Identifier: Apache-2.0
internal import NIOHTTP1
internal import Wire

@testable internal import BitTorrent
@testable internal import Transport

extension FuzzTarget {
    static let services: [FuzzTarget] = [
        FuzzTarget(
            "trackers-http",
            maximumLength: 8192,
            vectors: ["bencode"],
            samples: { trackerReplies() + longReplies() },
            run: httpTracker
        ),
        FuzzTarget(
            "trackers-udp",
            maximumLength: 2048,
            samples: { [[0, 4, 0, 0, 0, 0], [1, 0, 16]] },
            run: udpTracker
        ),
        FuzzTarget("local-discovery", maximumLength: 3000, samples: announcements, run: localDiscovery),
        FuzzTarget("port-mapping", maximumLength: 1200, samples: gatewayAnswers, run: portMapping),
        FuzzTarget(
            "web-seeds",
            maximumLength: 1024,
            samples: { [[0, 0, 0, 206, 0, 10], [1, 2, 0, 200, 3, 1]] },
            run: { try WebSeedTrial.run($0) }
        ),
        FuzzTarget("upnp", maximumLength: 2048, samples: { UPnPSamples.all }, run: { try UPnPTrial.run($0) }),
        FuzzTarget("http-replies", samples: httpReplies, run: { try HTTPTrial.run($0) }),
    ]

    private static func trackerReplies() -> [[UInt8]] {
        [
            "d8:completei1e10:incompletei2e8:intervali1800e5:peers6:\u{1}\u{2}\u{3}\u{4}\u{1}\u{2}e",
            "d8:intervali900e5:peersld2:ip9:192.0.2.14:porti6881eeee", "d14:failure reason4:nope8:retry in5:nevere",
            "d5:filesd20:aaaaaaaaaaaaaaaaaaaad8:completei1e10:downloadedi2e10:incompletei3eeee",
        ].map { Array($0.utf8) }
    }

    /// Each beyond a bound: peers in one string, in a list and with those of the other family, and counts.
    private static func longReplies() -> [[UInt8]] {
        let count = TrackerSpecification.maximumPeers + 1
        let peers: [UInt8] = (0..<count).flatMap { [198, 51, UInt8($0 >> 8), UInt8($0 & 255), 1, 2] }
        let others = (0..<99).flatMap { [0x20, 1] + [UInt8](repeating: 7, count: 13) + [$0, 1, 2] }
        let start = Array("d8:intervali900e5:peers".utf8)
        let counts = (0...TrackerSpecification.maximumScrape).map { number in
            Array("20:aaaaaaaaaaaaaaaaaaaa".utf8.dropLast()) + [UInt8(number)]
                + Array("d8:completei1e10:downloadedi2e10:incompletei3ee".utf8)
        }
        return [
            start + Array("\(peers.count):".utf8) + peers + Array("e".utf8),
            start + Array("5940:".utf8) + peers.prefix(5940) + Array("6:peers6\(others.count):".utf8) + others
                + Array("e".utf8),
            Array("d5:filesd".utf8) + counts.flatMap(\.self) + Array("ee".utf8),
        ]
    }

    @Sendable private static func httpTracker(_ bytes: [UInt8]) throws {
        if let reply = try? HTTPTracker.parseAnnounce(bytes) {
            try hold(reply.peers.count <= TrackerSpecification.maximumPeers, "peers are bounded")
            try hold(reply.peers.allSatisfy { $0.port != 0 }, "no peer has port 0")
            try hold(
                TrackerSpecification.intervals.contains(reply.interval),
                "the interval is within bounds: \(reply.interval)"
            )
            try hold(
                (reply.minimumInterval ?? .zero) <= reply.interval,
                "the shortest interval is no longer than the usual one"
            )
            try hold((reply.warning?.utf8.count ?? 0) <= 3 * TrackerSpecification.maximumTextBytes, "texts are bounded")
        }
        if let counts = try? HTTPTracker.parseScrape(bytes) {
            try hold(counts.count <= TrackerSpecification.maximumScrape, "counts are bounded")
        }
    }

    /// Steps of three: a datagram whose transaction is the one asked for, any datagram, or time.
    @Sendable private static func udpTracker(_ bytes: [UInt8]) throws {
        var input = FuzzInput(bytes)
        let isV6 = input.byte() & 1 == 1
        var exchange = UDPTrackerExchange(isV6: isV6, maximumAttempts: 3, seed: 5)
        var now = Duration.zero
        var asked: [UInt8] = []
        var open = Set<TrackerRequestID>()
        func take(_ actions: [UDPTrackerExchange.Action]) throws {
            for case .send(let datagram) in actions { asked = datagram }
            for case .finished(let id, _) in actions {
                try hold(open.remove(id) != nil, "a request ends once")
            }
        }
        let announce = AnnounceRequest(hash: torrentHash, peerID: torrentHash, port: 1, key: 2)
        for number in 0..<40 where !input.isAtEnd {
            switch input.choice(4) {
            case 0:
                let id = TrackerRequestID(UInt64(number))
                open.insert(id)
                let request: UDPTrackerMessage.Request =
                    number & 1 == 0 ? .announce(announce, url: "/a?b") : .scrape([torrentHash])
                try take(exchange.request(id, request, now: now))
            case 1:
                let action = input.word()
                var reply: [UInt8] = []
                reply.append(bigEndian: action % 5)
                reply += asked.dropFirst(12).prefix(4)
                try take(exchange.receive(reply + input.chunk(), now: now))
            case 2: try take(exchange.receive(input.chunk(), now: now))
            default:
                now += .seconds(Int(input.byte()))
                try take(exchange.wake(now: now))
            }
        }
        for _ in 0..<40 {
            now += .seconds(120)
            try take(exchange.wake(now: now))
        }
        try hold(open.isEmpty && exchange.isIdle, "every request ends")
    }

    private static func announcements() -> [[UInt8]] {
        let announcement = LocalAnnouncement(port: 6881, hashes: [torrentHash, .zero], cookie: "abc")
        return LocalDiscovery.Group.allCases.map { announcement.encoded(for: $0) }
    }

    /// BEP 14
    @Sendable private static func localDiscovery(_ bytes: [UInt8]) throws {
        guard let read = LocalAnnouncement(parsing: bytes[...]) else { return }
        try hold(read.hashes.count <= LocalAnnouncement.maximumHashes, "hashes are bounded")
        let again = LocalAnnouncement(parsing: read.encoded(for: .v4)[...])
        try hold(again == read, "an announcement survives being written")
    }

    private static let mappingRequest = PortControl.Request(
        transport: .tcp,
        internalPort: 6881,
        externalPort: 6881,
        lifetime: .seconds(3600),
        nonce: [UInt8](0..<12),
        client: .v4(0xC0A8_0002)
    )

    private static func gatewayAnswers() -> [[UInt8]] {
        var pcp: [UInt8] =
            [2, 0x81, 0, 0, 0, 0, 14, 16] + [UInt8](repeating: 0, count: 16) + (0..<12).map { UInt8($0) }
        pcp += [6, 0, 0, 0, 0x1A, 0xE1, 0x1A, 0xE1] + [UInt8](repeating: 0, count: 10) + [255, 255, 203, 0, 113, 1]
        return [
            pcp, [0, 0x82, 0, 0, 0, 0, 0, 9, 0x1A, 0xE1, 0x1A, 0xE1, 0, 0, 14, 16],
            [0, 0x80, 0, 0, 0, 0, 0, 9, 203, 0, 113, 1],
            Array(
                "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\neth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\n"
                    .utf8
            ),
        ]
    }

    /// RFC 6886, RFC 6887; and the kernel's table, which names the gateway to ask.
    @Sendable private static func portMapping(_ bytes: [UInt8]) throws {
        if case .mapped(let mapping)? = PortControl.parse(bytes[...], to: mappingRequest) {
            try hold(mapping.internalPort == mappingRequest.internalPort, "an answer is about what was asked")
            try hold(mapping.transport == mappingRequest.transport, "an answer is about what was asked")
        }
        _ = PortControl.parseAddress(bytes[...])
        _ = GatewayClient.defaultGateway(routes: bytes.text)
    }

    private static func httpReplies() -> [[UInt8]] {
        [
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-3/10\r\nContent-Length: 4\r\n\r\nabcd",
            "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\nHTTP/1.1 503 Busy\r\nRetry-After: 7\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            "HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\nrest",
        ].flatMap { [[4] + Array($0.utf8), [128 + 4] + Array($0.utf8)] }
            // As long as a short head may be, and longer by one.
            + [13, 12].map { others in
                let location = String(repeating: "a", count: HTTPTrial.shortHead - others)
                return [128 + 9] + Array("HTTP/1.1 302 Found\r\nLocation: /\(location)\r\n\r\n".utf8)
            }
    }
}
