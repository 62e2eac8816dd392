// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension FuzzTarget {
    static let wire: [FuzzTarget] = [
        FuzzTarget("bencode", vectors: ["bencode", "krpc"], run: bencode),
        FuzzTarget("cbor", vectors: ["cbor", "roost"], run: cbor),
        FuzzTarget("multiformats", maximumLength: 160, vectors: ["multiformats"], run: multiformats),
        FuzzTarget(
            "addresses",
            maximumLength: 256,
            samples: {
                ["192.0.2.1:6881", "[2001:db8::1]:80", "::ffff:10.0.0.1", "fe80::1", "1.5 GiB", "64KiB"].map {
                    Array($0.utf8)
                }
            },
            run: addresses
        ),
        FuzzTarget(
            "urls",
            maximumLength: 8704,
            samples: {
                [
                    "http://tracker.example:8080/announce?key=1\n../scrape", "https://[2001:db8::1]/\n//other/x",
                    "udp://t.example:1/#f\n?q",
                    // Too long by one, and too long once it is escaped.
                    "http://a/" + String(repeating: "a", count: ServiceURL.maximumBytes - 8),
                    "http://a/" + String(repeating: "\u{e9}", count: ServiceURL.maximumBytes / 4),
                ]
                .map { Array($0.utf8) }
            },
            run: urls
        ),
    ]

    /// BEP 3 "bencoding"
    @Sendable private static func bencode(_ bytes: [UInt8]) throws {
        let tolerant = try? Bencode.parse(bytes, mode: .tolerant)
        let strict = try? Bencode.parse(bytes, mode: .strict)
        if let strict {
            try hold(tolerant != nil, "what a strict reader accepts a tolerant one accepts")
            try hold(value(of: strict).encoded == bytes, "a strict document is the one encoding of its value")
        }
        guard let tolerant else { return }
        try hold(Array(tolerant.raw) == bytes, "a document is all of its bytes")
        let canonical = value(of: tolerant).encoded
        guard let again = try? Bencode.parse(canonical, mode: .strict) else {
            throw Broken(description: "what is written from a tolerant reading is read strictly")
        }
        try hold(value(of: again) == value(of: tolerant), "the value survives being written")
        let prefix = try? Bencode.parsePrefix(bytes + [0], mode: .tolerant)
        try hold(prefix?.end == bytes.count, "a document ends where it ends, whatever follows")
    }

    static func value(of node: BencodeNode) -> BencodeValue {
        if let integer = node.integer { return .integer(integer) }
        if let bytes = node.bytes { return .bytes(Array(bytes)) }
        if let list = node.list { return .list(list.map(value)) }
        var entries: [[UInt8]: BencodeValue] = [:]
        for entry in node.entries ?? [] { entries[Array(entry.key)] = value(of: entry.value) }
        return .dictionary(entries)
    }

    /// RFC 8949 §4.2.1
    @Sendable private static func cbor(_ bytes: [UInt8]) throws {
        guard let value = try? CBOR.decode(bytes) else { return }
        try hold(value.encoded == bytes, "deterministic CBOR is the one encoding of its value")
        try hold((try? CBOR.decode(value.encoded)) == value, "the value survives being written")
    }

    @Sendable private static func multiformats(_ bytes: [UInt8]) throws {
        if let id = CID(bytes) {
            try hold(id.bytes == bytes, "a CID is the one encoding of its value")
            try hold(CID(id.description) == id, "a CID survives being written as text")
        }
        if let hash = Multihash(bytes) { try hold(hash.bytes == bytes, "a multihash is the one encoding of its value") }
        for base in Multibase.allCases {
            try hold(base.decode(base.encode(bytes)) == bytes, "\(base) gives back the bytes")
            try hold(
                Multibase.decodeWithPrefix(base.encodeWithPrefix(bytes)) == bytes,
                "\(base) is known by its prefix"
            )
        }
        let text = bytes.text
        if let id = CID(text) { try hold(CID(id.description) == id, "a CID of any base survives being written") }
        _ = Multibase.decodeWithPrefix(text)
        var reader = ByteReader(bytes)
        if let value = UnsignedVarint.read(from: &reader) {
            var written: [UInt8] = []
            UnsignedVarint.append(value, to: &written)
            try hold(bytes.starts(with: written), "a varint is the shortest of its value")
        }
        var quic = ByteReader(bytes)
        if let value = QUICVarint.read(from: &quic, shortestOnly: true) {
            var written: [UInt8] = []
            QUICVarint.append(value, to: &written)
            try hold(bytes.starts(with: written), "a varint of RFC 9000 is the shortest of its value")
        }
    }

    @Sendable private static func addresses(_ bytes: [UInt8]) throws {
        let text = bytes.text
        if let address = IPAddress(text) {
            try hold(IPAddress(address.description) == address, "an address survives being written")
            try hold(IPAddress(address.bytes) == address, "an address survives being bytes")
            _ = (
                address.scope, AddressPolicy.stranger.admits(address), AddressPolicy.named(by: address).admits(address)
            )
        }
        if let endpoint = Endpoint(text) {
            try hold(Endpoint(endpoint.description) == endpoint, "an endpoint survives being written: \(endpoint)")
            try hold(Endpoint(compact: endpoint.compact) == endpoint, "an endpoint survives its compact form")
        }
        if let address = IPAddress(bytes) {
            try hold(IPAddress(address.description) == address, "any address can be written")
        }
        if let count = ByteCount(text) {
            try hold(count.bytes >= 0, "a size in text is not negative"); _ = count.description
        }
        if let decoded = Hex.decode(text) {
            try hold(Hex.encode(decoded) == text.lowercased(), "hexadecimal gives back the text")
        }
    }

    @Sendable private static func urls(_ bytes: [UInt8]) throws {
        let lines = bytes.text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = lines.first, let url = ServiceURL(first) else { return }
        try sound(url)
        if lines.count == 2, let target = url.resolving(lines[1]) { try sound(target) }
        try sound(url.adding(query: "a=b"))
    }

    /// What may stand in a request line and a Host header, and names the same place when it is read again.
    private static func sound(_ url: ServiceURL) throws {
        let text = url.description
        try hold(text.utf8.allSatisfy { (0x21...0x7E).contains($0) }, "a URL is printable ASCII: \(text)")
        try hold(url.path.hasPrefix("/"), "a path begins with a slash: \(url.path)")
        // Escapes make it longer; what is too long to be read again is not compared.
        if text.utf8.count <= ServiceURL.maximumBytes {
            try hold(ServiceURL(text) == url, "a URL survives being written: \(text)")
        }
    }
}
