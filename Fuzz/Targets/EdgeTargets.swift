// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

@testable internal import Gateway
@testable internal import Node

/// What a browser, a person or a file of theirs hands to the program.
extension FuzzTarget {
    static let edges: [FuzzTarget] = [
        FuzzTarget("links", maximumLength: 1024, vectors: ["torrents", "bep46"], samples: linkSamples, run: link),
        FuzzTarget("extension-wires", maximumLength: 1024, samples: wireSamples, run: extensionWire),
        FuzzTarget("configuration", maximumLength: 1024, samples: configurationSamples, run: configuration),
    ]

    private static func linkSamples() -> [[UInt8]] {
        let site = signer.publicKey.identifier
        return [
            "betanet://\(site.hex)@1.0/a/b%20c", "betanet://\(site.hex)@7", site.hex,
            GatewayNames(port: 8420).url(of: site, sequence: 3, path: ["a b", "c"]),
            "magnet:?xt=urn:btih:\(torrentHash.hex)&x.pe=192.0.2.1:6881",
        ].map { Array($0.utf8) }
    }

    @Sendable private static func link(_ bytes: [UInt8]) throws {
        guard let link = try? SiteLink(parsing: bytes.text) else { return }
        for name in link.path {
            try hold(
                !name.isEmpty && name != ".." && !name.utf8.contains(0) && !name.contains("/"),
                "a path does not climb: \(link.path)"
            )
        }
        let again = try? SiteLink(parsing: link.address.text)
        try hold(again?.address == link.address, "an address survives being written: \(link.address.text)")
        guard case .site(let site) = link.address else { return }
        let url = GatewayNames(port: 8420).url(of: site, path: link.path)
        let read = GatewayNames.parse(url)
        try hold(read?.site == site && read?.path == link.path, "a page's URL leads to the page: \(url)")
    }

    private static func configurationSamples() -> [[UInt8]] {
        let all = ConfigurationKey.all.map { "\($0.name) = \"\($0.print(NodeConfiguration()))\"" }
        return ([all.joined(separator: "\n")] + all.prefix(40)).map { Array($0.utf8) }
            + ConfigurationKey.all.enumerated().map {
                [1, UInt8($0.offset)] + Array($0.element.print(NodeConfiguration()).utf8)
            }
    }

    /// Behind a first byte of 1 a value for the key that the second names, otherwise a whole file.
    @Sendable private static func configuration(_ bytes: [UInt8]) throws {
        guard bytes.first == 1, bytes.count > 1 else {
            _ = try? ConfigurationLoader(file: bytes.text).load()
            return
        }
        let key = ConfigurationKey.all[Int(bytes[1]) % ConfigurationKey.all.count]
        let value = Array(bytes.dropFirst(2)).text
        guard let file = try? ConfigurationLoader.setting(key.name, to: value, in: "# mine\n") else { return }
        guard let loaded = try? ConfigurationLoader(file: file).load() else {
            throw Broken(description: "a value that was taken can be read again: \(file)")
        }
        var direct = NodeConfiguration()
        try hold(
            key.set(&direct, value) && key.print(direct) == key.print(loaded.configuration),
            "a value is kept as it was given: \(value)"
        )
    }

    private static let site = signer.publicKey.identifier
    private static let ownID = Digest160([UInt8](repeating: 0xEE, count: 20)) ?? .zero

    private static func wireSamples() -> [[UInt8]] {
        let other = ExtensionWire(site: site, ownID: Digest160([UInt8](repeating: 2, count: 20)) ?? .zero)
        let hello = other.hello(client: "Other", listenPort: 5)
        return [[7] + hello, [200] + hello + [0, 0, 0, 0, 0, 0, 0, 4, 20, 1, 9, 9]]
    }

    /// The first byte says in portions of how many bytes the rest comes.
    @Sendable private static func extensionWire(_ bytes: [UInt8]) throws {
        let stream = Array(bytes.dropFirst())
        let whole = events(of: stream, portion: max(1, stream.count))
        let parts = events(of: stream, portion: max(1, Int(bytes.first ?? 1)))
        try hold((whole == nil) == (parts == nil), "a failure does not depend on how the bytes come")
        try hold(whole == parts, "events do not depend on how the bytes come")
    }

    private static func events(of stream: [UInt8], portion: Int) -> [ExtensionWire.Event]? {
        var wire = ExtensionWire(site: site, ownID: ownID)
        var events: [ExtensionWire.Event] = []
        for start in stride(from: 0, to: stream.count, by: portion) {
            guard let next = try? wire.receive(Array(stream[start..<min(start + portion, stream.count)])) else {
                return nil
            }
            events += next
        }
        return events
    }
}
