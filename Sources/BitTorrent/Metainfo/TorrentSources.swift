// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Where a .torrent file says that peers and data are to be found: everything that is not under `info`.
///
/// Entries that are not well formed, of an unknown kind or beyond 256 of a kind are left out.
public struct TorrentSources: Hashable, Sendable {
    /// A host, by name or address, and a port.
    public struct Host: Hashable, Sendable {
        /// As given: a name, or an address without brackets.
        public var name: String
        /// Not 0 in what was read.
        public var port: UInt16

        /// Nothing is checked here.
        public init(name: String, port: UInt16) {
            self.name = name
            self.port = port
        }
    }

    /// Tracker URLs by tier (BEP 12), the first tier first; one tier of one from `announce` alone.
    public var trackers: [[String]] = []
    /// Web seeds of BEP 19.
    public var webSeeds: [String] = []
    /// Web seeds of BEP 17.
    public var httpSeeds: [String] = []
    /// DHT nodes to start from (BEP 5).
    public var nodes: [Host] = []
    /// What its maker wrote for people; not judged.
    public var comment: String?
    /// The program that made the file, by its own words.
    public var createdBy: String?
    /// Seconds since 1970, as the file claims.
    public var creationDate: Int64?
    /// Other torrents that may hold the same files (BEP 38).
    public var similar = SimilarTorrents()

    /// No sources: the torrent is found by its infohash alone.
    public init() {}

    init(_ document: BencodeNode, isMultiFile: Bool) {
        trackers = Self.trackers(document)
        webSeeds = Self.urls(document["url-list"]).map { $0.hasSuffix("/") || !isMultiFile ? $0 : $0 + "/" }
        httpSeeds = Self.urls(document["httpseeds"])
        nodes = (document["nodes"]?.list ?? []).prefix(TorrentSpecification.maximumSources).compactMap(Self.host)
        comment = document["comment.utf-8"]?.string ?? document["comment"]?.string
        createdBy = document["created by"]?.string
        creationDate = document["creation date"]?.integer
        similar = SimilarTorrents(document)
    }

    private static func trackers(_ document: BencodeNode) -> [[String]] {
        var room = TorrentSpecification.maximumSources
        var tiers: [[String]] = []
        for tier in document["announce-list"]?.list ?? [] where room > 0 {
            // A flat list of URLs is against BEP 12 and common: each is a tier of its own.
            let urls = (tier.list ?? [tier]).prefix(room).compactMap { $0.bytes.flatMap(tracker) }
            room -= urls.count
            if !urls.isEmpty { tiers.append(urls) }
        }
        guard tiers.isEmpty else { return tiers }
        return document["announce"]?.bytes.flatMap(tracker).map { [[$0]] } ?? []
    }

    static func tracker(_ bytes: ArraySlice<UInt8>) -> String? {
        url(bytes, schemes: ["http", "https", "udp", "ws", "wss"])
    }

    static func webSeed(_ bytes: ArraySlice<UInt8>) -> String? { url(bytes, schemes: ["http", "https"]) }

    private static func urls(_ node: BencodeNode?) -> [String] {
        guard let node else { return [] }
        var seen: Set<String> = []
        return (node.list ?? [node]).prefix(TorrentSpecification.maximumSources)
            .compactMap { $0.bytes.flatMap(webSeed) }
            .filter { seen.insert($0).inserted }
    }

    /// A URL with a known scheme; bytes that may not stand in one are percent-encoded.
    private static func url(_ bytes: ArraySlice<UInt8>, schemes: [String]) -> String? {
        guard bytes.count <= 2048 else { return nil }
        var text = ""
        for byte in bytes {
            switch byte {
            case 0x21...0x7E where byte != UInt8(ascii: "<") && byte != UInt8(ascii: ">"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default: text += "%" + Hex.encode([byte]).uppercased()
            }
        }
        // What is too long when it is written would not be read again.
        guard text.utf8.count <= 2048, let colon = text.firstIndex(of: ":"),
            schemes.contains(text[..<colon].lowercased())
        else { return nil }
        let rest = text[text.index(after: colon)...]
        guard rest.hasPrefix("//"), rest.count > 2 else { return nil }
        return text
    }

    private static func host(_ node: BencodeNode) -> Host? {
        guard let pair = node.list, pair.count == 2, let name = pair[0].string, !name.isEmpty, name.utf8.count <= 255,
            let number = pair[1].integer, let port = UInt16(exactly: number), port != 0
        else { return nil }
        return Host(name: name, port: port)
    }
}
