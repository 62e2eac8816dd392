// SPDX-License-Identifier: Apache-2.0
public import Wire

/// The datagrams of a tracker over UDP (BEP 15, BEP 41). All numbers are big-endian.
public enum UDPTrackerMessage {
    static let protocolID: UInt64 = 0x0417_2710_1980
    /// The largest datagram that is looked at.
    public static let maximumBytes = 65_535

    /// What is asked of a tracker.
    public enum Request: Equatable, Sendable {
        /// `url`: path and query of the tracker's URL, sent along (BEP 41); empty for none, cut at 1,024 bytes.
        case announce(AnnounceRequest, url: String)
        /// At most ``TrackerSpecification/maximumScrape`` torrents.
        case scrape([Digest160])
    }

    /// What it answers.
    public enum Reply: Equatable, Sendable {
        case connection(UInt64)
        case announce(AnnounceReply)
        /// In the order in which they were asked for.
        case scrape([ScrapeCount])
        case failure(String)
    }

    // MARK: Writing

    static func connect(transaction: UInt32) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: protocolID)
        bytes.append(bigEndian: UInt32(0))
        bytes.append(bigEndian: transaction)
        return bytes
    }

    static func encode(_ request: Request, connection: UInt64, transaction: UInt32) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: connection)
        switch request {
        case .announce(let announce, let url):
            bytes.append(bigEndian: UInt32(1))
            bytes.append(bigEndian: transaction)
            append(announce, to: &bytes)
            appendOptions(url, to: &bytes)
        case .scrape(let hashes):
            bytes.append(bigEndian: UInt32(2))
            bytes.append(bigEndian: transaction)
            for hash in hashes.prefix(TrackerSpecification.maximumScrape) { bytes.append(hash) }
        }
        return bytes
    }

    private static func append(_ announce: AnnounceRequest, to bytes: inout [UInt8]) {
        bytes.append(announce.hash)
        bytes.append(announce.peerID)
        bytes.append(bigEndian: UInt64(clamping: announce.downloaded))
        bytes.append(bigEndian: UInt64(clamping: announce.left))
        bytes.append(bigEndian: UInt64(clamping: announce.uploaded))
        bytes.append(bigEndian: announce.event.number)
        // The address is the sender's.
        bytes.append(bigEndian: UInt32(0))
        bytes.append(bigEndian: announce.key)
        bytes.append(bigEndian: UInt32(bitPattern: announce.wantedPeers))
        bytes.append(bigEndian: announce.port)
    }

    /// BEP 41: option 2 with up to 255 bytes, as often as needed, then the end of the options.
    private static func appendOptions(_ url: String, to bytes: inout [UInt8]) {
        var rest = Array(url.utf8.prefix(1024))[...]
        guard !rest.isEmpty else { return }
        while !rest.isEmpty {
            let part = rest.prefix(255)
            bytes += [2, UInt8(part.count)]
            bytes += part
            rest = rest.dropFirst(part.count)
        }
        bytes.append(0)
    }

    // MARK: Reading

    /// Reads a datagram.
    ///
    /// `isV6`: whether it came over IPv6: then so are the peers.
    /// - Returns: nil for what is none of a tracker's.
    static func parse(_ datagram: [UInt8], isV6: Bool) -> (transaction: UInt32, reply: Reply)? {
        guard let action = word(datagram, 0), let transaction = word(datagram, 4) else { return nil }
        switch action {
        case 0:
            guard let high = word(datagram, 8), let low = word(datagram, 12) else { return nil }
            return (transaction, .connection(UInt64(high) << 32 | UInt64(low)))
        case 1: return announce(datagram, isV6: isV6).map { (transaction, .announce($0)) }
        case 2: return (transaction, .scrape(scrape(datagram)))
        case 3: return (transaction, .failure(HTTPTracker.text(datagram[8...])))
        default: return nil
        }
    }

    private static func announce(_ datagram: [UInt8], isV6: Bool) -> AnnounceReply? {
        guard let interval = word(datagram, 8), let leechers = word(datagram, 12), let seeders = word(datagram, 16)
        else {
            return nil
        }
        var reply = AnnounceReply()
        reply.setIntervals(Int64(interval), minimum: nil)
        reply.leechers = Int(leechers)
        reply.seeders = Int(seeders)
        reply.peers = HTTPTracker.compact(datagram[20...], entryBytes: isV6 ? 18 : 6)
        return reply
    }

    private static func scrape(_ datagram: [UInt8]) -> [ScrapeCount] {
        let count = min((datagram.count - 8) / 12, TrackerSpecification.maximumScrape)
        return (0..<count).compactMap { index in
            guard let seeders = word(datagram, 8 + index * 12), let completed = word(datagram, 12 + index * 12),
                let leechers = word(datagram, 16 + index * 12)
            else { return nil }
            return ScrapeCount(seeders: Int(seeders), leechers: Int(leechers), completed: Int(completed))
        }
    }

    private static func word(_ bytes: [UInt8], _ offset: Int) -> UInt32? {
        guard offset + 4 <= bytes.count else { return nil }
        return bytes[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }
}
