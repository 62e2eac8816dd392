// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Keys
internal import Wire

extension SiteLink {
    /// Reads any address that the program accepts: `betanet:`, `magnet:`, a gateway URL or 64 hex digits.
    ///
    /// `betanet://<64 hex>[@label|@seq][/path]`: digits alone after `@` are a sequence number, all else is a label.
    public init(parsing text: String) throws(NodeError) {
        if let rest = text.dropping(prefix: "betanet://") {
            try self.init(betanet: rest)
        } else if text.dropping(prefix: "magnet:") != nil {
            try self.init(magnet: text)
        } else if let (site, selector, path) = GatewayNames.parse(text) {
            self.init(address: .site(site), selector: selector, path: path)
        } else if let site = Digest256(hex: text) {
            self.init(address: .site(site))
        } else {
            throw Self.notALink(text)
        }
    }

    private init(betanet rest: Substring) throws(NodeError) {
        let end = rest.firstIndex(where: { "/?#".contains($0) }) ?? rest.endIndex
        let authority = rest[..<end].split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        // The canonical spelling is lower case; a shell or a mail program may have changed it on the way.
        guard let name = authority.first, let site = Digest256(hex: name),
            let path = GatewayNames.path(in: rest[end...])
        else { throw Self.notALink("betanet://\(rest)") }
        var selector = ReleaseSelector.newest
        if authority.count == 2 {
            guard let label = GatewayNames.percentDecode(authority[1]), !label.isEmpty else {
                throw Self.notALink("betanet://\(rest)")
            }
            let isNumber = label.utf8.allSatisfy { (48...57).contains($0) }
            selector = isNumber ? UInt64(label).map { .sequence($0) } ?? .label(label) : .label(label)
        }
        self.init(address: .site(site), selector: selector, path: path)
    }

    private init(magnet text: String) throws(NodeError) {
        let magnet: Magnet
        do throws(MagnetError) { magnet = try Magnet(text) } catch {
            throw NodeError(
                .badData,
                "this magnet link cannot be read: \(error)",
                remedy: "Copy it again, whole, from where it was published."
            )
        }
        if let publisher = magnet.publisher {
            self.init(address: .key(publisher.key, salt: publisher.salt))
        } else {
            self.init(address: .tree(v1: magnet.infoHashes.v1, v2: magnet.infoHashes.v2))
        }
        sources = SourceHints(trackers: magnet.trackers, webSeeds: magnet.webSeeds)
        peers = magnet.peers.compactMap { Endpoint("\($0)") }
    }

    private static func notALink(_ text: String) -> NodeError {
        NodeError(
            .badData,
            "'\(text.prefix(120))' is no address that Roost knows",
            remedy: "Use betanet://<64 hex digits>, a magnet: link, a gateway URL or a .torrent file."
        )
    }
}
