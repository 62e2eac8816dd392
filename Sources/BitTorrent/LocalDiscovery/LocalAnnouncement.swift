// SPDX-License-Identifier: Apache-2.0
public import Wire

/// One datagram of local service discovery (BEP 14): somebody in this network has these torrents and is reached at this port,
/// at the address that the datagram came from.
public struct LocalAnnouncement: Equatable, Sendable {
    /// What a datagram may have, so that it is never fragmented (BEP 14).
    public static let maximumBytes = 1400
    /// Hashes that fit beside everything else; what names more is read up to here.
    public static let maximumHashes = 24
    /// A cookie of ours has 8 characters; longer ones of others are read up to here, and those with other characters than
    /// printable ones are none.
    static let maximumCookie = 64

    /// Where the sender's peers listen, never 0 in what was received.
    public var port: UInt16
    /// What is to be had there, at most ``maximumHashes``; of a v2 torrent the first 20 bytes (BEP 52).
    public var hashes: [Digest160]
    /// Lets a sender know its own datagrams, which multicast gives back to it.
    public var cookie: String?

    /// Hashes beyond ``maximumHashes`` are not written.
    public init(port: UInt16, hashes: [Digest160], cookie: String?) {
        self.port = port
        self.hashes = hashes
        self.cookie = cookie
    }

    /// The datagram for one group, whose address stands in its `Host` header; at most 1,400 bytes.
    public func encoded(for group: LocalDiscovery.Group) -> [UInt8] {
        var text = "BT-SEARCH * HTTP/1.1\r\nHost: \(group.host)\r\nPort: \(port)\r\n"
        for hash in hashes.prefix(Self.maximumHashes) { text += "Infohash: \(hash.hex)\r\n" }
        if let cookie { text += "cookie: \(cookie)\r\n" }
        return Array((text + "\r\n\r\n").utf8)
    }

    /// Nil for anything that is no announcement. Header names in any case and order; headers that nobody knows are skipped,
    /// and so are infohashes that are none.
    public init?(parsing bytes: ArraySlice<UInt8>) {
        guard bytes.count <= 2 * Self.maximumBytes, bytes.allSatisfy({ $0 < 0x80 }) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.contains("\r\n\r\n") || text.hasSuffix("\r\n") else { return nil }
        var lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)[...]
        guard let request = lines.popFirst()?.lowercased(), request.hasPrefix("bt-search * http/1.") else { return nil }
        (port, hashes, cookie) = (0, [], nil)
        for line in lines {
            guard !line.isEmpty else { break }
            guard let colon = line.firstIndex(of: ":") else { return nil }
            take(line[..<colon].lowercased(), Self.trimmed(line[line.index(after: colon)...]))
        }
        guard port != 0, !hashes.isEmpty else { return nil }
    }

    private mutating func take(_ name: String, _ value: Substring) {
        switch name {
        case "port": port = UInt16(value) ?? 0
        case "infohash":
            guard hashes.count < Self.maximumHashes, let hash = Digest160(hex: value), hash != .zero else { return }
            hashes.append(hash)
        case "cookie":
            let text = value.prefix(Self.maximumCookie)
            if text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) { cookie = String(text) }
        default: break
        }
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let start = text.drop { $0 == " " || $0 == "\t" }
        let end = start.lastIndex { $0 != " " && $0 != "\t" }
        return end.map { start[...$0] } ?? ""
    }
}
