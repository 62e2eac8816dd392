// SPDX-License-Identifier: Apache-2.0
public import Keys
internal import Wire

/// A magnet link: a torrent by its infohashes (BEP 9, BEP 52), or a feed of torrents by its key (BEP 46), and hints on
/// where to start looking.
///
/// Hints that are not well formed or beyond 256 of a kind are left out. Memory: no more than the text's own size.
public struct Magnet: Hashable, Sendable {
    /// The longest link that is read, in bytes; one with a hundred trackers has about a tenth of it.
    public static let maximumBytes = 65_536

    /// A publisher's key and salt, whose newest DHT item names the torrent (BEP 46).
    public struct Publisher: Hashable, Sendable {
        /// Ed25519, as BEP 44 items are signed.
        public var key: PublicKey
        /// At most 64 bytes; empty for none.
        public var salt: [UInt8]

        /// A salt beyond 64 bytes names no item.
        public init(key: PublicKey, salt: [UInt8] = []) {
            self.key = key
            self.salt = salt
        }
    }

    /// Of a hybrid both; empty where only a publisher is named.
    public var infoHashes = InfoHashes()
    /// The feed that names the torrent, where the link has `xs=urn:btpk:` (BEP 46).
    public var publisher: Publisher?
    /// What to call the torrent until its metadata is here.
    public var displayName: String?
    /// Of `tr`, as tier-less URLs in the link's order.
    public var trackers: [String] = []
    /// Of `ws`: BEP 19's, in the link's order.
    public var webSeeds: [String] = []
    /// Of `x.pe`: peers to try at once (BEP 9).
    public var peers: [TorrentSources.Host] = []
    /// Of `dht`: nodes to start from.
    public var nodes: [TorrentSources.Host] = []
    /// BEP 53: the files wanted, by number, as ranges in ascending order that do not touch; nil for all.
    public var selectedFiles: [ClosedRange<Int>]?

    /// A link without hints, which are added to it.
    public init(infoHashes: InfoHashes = InfoHashes(), publisher: Publisher? = nil, displayName: String? = nil) {
        self.infoHashes = infoHashes
        self.publisher = publisher
        self.displayName = displayName
    }

    /// Reads a link.
    public init(_ text: String) throws(MagnetError) {
        guard text.utf8.count <= Self.maximumBytes else { throw .tooLong(limit: Self.maximumBytes) }
        let prefix = "magnet:?"
        guard text.utf8.count >= prefix.utf8.count, text.prefix(prefix.count).lowercased() == prefix else {
            throw .notMagnet
        }
        var parser = MagnetParser()
        for parameter in text.dropFirst(prefix.count).split(separator: "&") { try parser.read(parameter) }
        self = try parser.finish()
    }

    /// Whether a text means to be a magnet link; whether it is a good one shows ``init(_:)``.
    public static func isMagnet(_ text: String) -> Bool { text.prefix(8).lowercased() == "magnet:?" }
}

extension Magnet: CustomStringConvertible {
    /// The link. What it names comes first: v1, then v2, then the publisher.
    public var description: String {
        var parameters: [String] = []
        if let hash = infoHashes.v1 { parameters.append("xt=urn:btih:\(hash.hex)") }
        if let hash = infoHashes.v2 { parameters.append("xt=urn:btmh:1220\(hash.hex)") }
        if let publisher {
            parameters.append("xs=urn:btpk:\(publisher.key.hex)")
            if !publisher.salt.isEmpty { parameters.append("s=\(Hex.encode(publisher.salt))") }
        }
        if let displayName { parameters.append("dn=" + PercentEncoding.encode(displayName)) }
        parameters += trackers.map { "tr=" + PercentEncoding.encode($0) }
        parameters += webSeeds.map { "ws=" + PercentEncoding.encode($0) }
        parameters += peers.map { "x.pe=\($0)" }
        parameters += nodes.map { "dht=\($0)" }
        if let selectedFiles {
            let ranges = selectedFiles.map {
                $0.count == 1 ? String($0.lowerBound) : "\($0.lowerBound)-\($0.upperBound)"
            }
            parameters.append("so=" + ranges.joined(separator: ","))
        }
        return "magnet:?" + parameters.joined(separator: "&")
    }
}

extension TorrentSources.Host: CustomStringConvertible {
    /// `example.net:6881` or `[::1]:6881`.
    public var description: String { name.contains(":") ? "[\(name)]:\(port)" : "\(name):\(port)" }

    /// From `host:port` or `[IPv6]:port` (BEP 9); nil where the host is no name or address, or the port is 0.
    public init?(_ text: some StringProtocol) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0 else {
            return nil
        }
        let host = text[..<colon]
        if host.hasPrefix("[") {
            guard host.hasSuffix("]"), let address = IPAddress(String(host.dropFirst().dropLast())), !address.isV4
            else {
                return nil
            }
            self.init(name: address.description, port: port)
        } else {
            let isName = host.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
            guard isName, (1...253).contains(host.utf8.count) else { return nil }
            self.init(name: String(host), port: port)
        }
    }
}
