// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Trackers over HTTP: what is asked (BEP 3, 7, 21, 23, 48) and how the answers read.
///
/// Replies are bounded by ``TrackerSpecification``. What is of the wrong kind reads as absent, but a reply without anything
/// of a reply is malformed.
public enum HTTPTracker {
    private static let limits = Bencode.Limits(bytes: TrackerSpecification.maximumReplyBytes, depth: 8, values: 16_384)

    // MARK: Asking

    /// Where to send an announce: `base` with the request in its query.
    public static func announceURL(_ base: ServiceURL, _ request: AnnounceRequest) -> ServiceURL {
        var parameters = [
            "info_hash=" + PercentEncoding.encode(request.hash.bytes),
            "peer_id=" + PercentEncoding.encode(request.peerID.bytes),
            "port=\(request.port)", "uploaded=\(request.uploaded)", "downloaded=\(request.downloaded)",
            "left=\(request.left)", "compact=1", "key=" + Hex.encode(request.key.bytes),
            "numwant=\(max(0, request.wantedPeers))", "supportcrypto=1",
        ]
        if request.event != .none { parameters.append("event=\(request.event.rawValue)") }
        if let id = request.trackerID { parameters.append("trackerid=" + PercentEncoding.encode(id)) }
        return base.adding(query: parameters.joined(separator: "&"))
    }

    /// Where to scrape (BEP 48): the last component of the path with `announce` at its beginning turned into `scrape`.
    ///
    /// - Returns: nil where the tracker has no such place.
    public static func scrapeURL(_ base: ServiceURL, _ hashes: [Digest160]) -> ServiceURL? {
        guard let slash = base.path.lastIndex(of: "/"), base.scheme != .udp else { return nil }
        let last = base.path[base.path.index(after: slash)...]
        guard last.hasPrefix("announce") else { return nil }
        let query = hashes.prefix(TrackerSpecification.maximumScrape)
            .map { "info_hash=" + PercentEncoding.encode($0.bytes) }
            .joined(separator: "&")
        return base.with(path: base.path[...slash] + "scrape" + last.dropFirst("announce".count)).adding(query: query)
    }

    // MARK: Answers

    /// Reads an answer's body, by BEP 3's dictionary. Throws the tracker's `failure reason`, or that the body is no answer.
    public static func parseAnnounce(_ body: [UInt8]) throws(TrackerError) -> AnnounceReply {
        let node = try dictionary(body)
        var reply = AnnounceReply()
        reply.setIntervals(node["interval"]?.integer, minimum: node["min interval"]?.integer)
        reply.seeders = count(node["complete"])
        reply.leechers = count(node["incomplete"])
        reply.warning = text(node["warning message"])
        reply.trackerID = node["tracker id"]?.bytes.flatMap {
            $0.count <= TrackerSpecification.maximumTextBytes ? Array($0) : nil
        }
        reply.externalAddress = node["external ip"]?.bytes.flatMap { IPAddress($0) }
        let lists = [node["peers"], node["peers6"]]
        guard lists.contains(where: { $0 != nil }) || node["interval"] != nil else { throw .malformed }
        reply.peers = Array(
            (peers(lists[0], entryBytes: 6) + peers(lists[1], entryBytes: 18)).prefix(TrackerSpecification.maximumPeers)
        )
        return reply
    }

    /// The torrents of which the tracker knows.
    public static func parseScrape(_ body: [UInt8]) throws(TrackerError) -> [Digest160: ScrapeCount] {
        guard let files = try dictionary(body)["files"]?.entries else { throw .malformed }
        var counts: [Digest160: ScrapeCount] = [:]
        for (key, value) in files.prefix(TrackerSpecification.maximumScrape) {
            guard let hash = Digest160(key), value.isDictionary else { continue }
            counts[hash] = ScrapeCount(
                seeders: count(value["complete"]) ?? 0,
                leechers: count(value["incomplete"]) ?? 0,
                completed: count(value["downloaded"]) ?? 0,
                downloaders: count(value["downloaders"])
            )
        }
        return counts
    }

    private static func dictionary(_ body: [UInt8]) throws(TrackerError) -> BencodeNode {
        guard let node = try? Bencode.parsePrefix(body, mode: .tolerant, limits: limits).node, node.isDictionary else {
            throw .malformed
        }
        if let reason = node["failure reason"] {
            throw .refused(text(reason) ?? "", retry: retry(node["retry in"]))
        }
        return node
    }

    /// BEP 31: minutes, as a number or in digits, or `never`.
    private static func retry(_ node: BencodeNode?) -> TrackerError.Retry? {
        guard let node else { return nil }
        if node.bytes?.elementsEqual("never".utf8) == true { return .never }
        guard let minutes = node.integer ?? node.string.flatMap({ Int64($0) }), minutes > 0 else { return nil }
        return .after(min(.seconds(min(minutes, 1 << 20) * 60), TrackerSpecification.intervals.upperBound))
    }

    /// A compact string (BEP 23, BEP 7), of whole entries as far as they go, or a list of dictionaries (BEP 3).
    private static func peers(_ node: BencodeNode?, entryBytes: Int) -> [Endpoint] {
        guard let node else { return [] }
        if let bytes = node.bytes { return compact(bytes, entryBytes: entryBytes) }
        return (node.list ?? []).prefix(TrackerSpecification.maximumPeers).compactMap { entry in
            // Names instead of addresses are allowed by BEP 3 and used by nobody; they would be a way to make us resolve.
            guard let text = entry["ip"]?.string, text.utf8.count <= 64, let address = IPAddress(text),
                let port = entry["port"]?.integer.flatMap({ UInt16(exactly: $0) }), port != 0
            else { return nil }
            return Endpoint(address, port: port)
        }
    }

    static func compact(_ bytes: ArraySlice<UInt8>, entryBytes: Int) -> [Endpoint] {
        let count = min(bytes.count / entryBytes, TrackerSpecification.maximumPeers)
        return (0..<count).compactMap { index in
            let start = bytes.startIndex + index * entryBytes
            let endpoint = Endpoint(compact: bytes[start..<start + entryBytes])
            return endpoint?.port == 0 ? nil : endpoint
        }
    }

    private static func count(_ node: BencodeNode?) -> Int? {
        node?.integer.flatMap { $0 >= 0 ? Int($0) : nil }
    }

    static func text(_ node: BencodeNode?) -> String? { node?.bytes.map { text($0) } }

    /// For people: what is no UTF-8, and control characters, replaced.
    static func text(_ bytes: ArraySlice<UInt8>) -> String {
        let text = String(repairing: bytes, atMost: TrackerSpecification.maximumTextBytes)
        return String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }
            )
        )
    }
}

extension UInt32 {
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: self)
        return bytes
    }
}
