// SPDX-License-Identifier: Apache-2.0
internal import Storage
public import Wire

extension Node {
    /// The gateway's address for a link. The site is the user's wish from now on. One that is met for the first time is looked
    /// for at once, as its page is about to be; else pages are looked for as they are opened.
    public func open(_ text: String) async throws(NodeError) -> OpenResult {
        let link = try SiteLink(parsing: text)
        try await welcome(link.address)
        if case .tree(let v1, let v2) = link.address {
            trees.keep(BareTree(id: link.address.id, v1: v1, v2: v2, sequence: 0))
        }
        hints.add(link)
        await expect(link)
        return OpenResult(
            url: names.url(of: link.address.id, sequence: try await sequence(of: link), path: link.path),
            site: link.address.text,
            exposed: await exposure(with: link.address).text
        )
    }

    private func expect(_ link: SiteLink) async {
        switch (link.address, link.selector) {
        case (.site(let site), .newest):
            guard (try? await sites.feed(of: site)) == .none else { return }
            visits.expect(site, path: link.path)
        default: break
        }
    }

    /// The number of the release that a link asks for; nil for the newest.
    private func sequence(of link: SiteLink) async throws(NodeError) -> UInt64? {
        switch link.selector {
        case .newest: return nil
        case .sequence(let number):
            // What is not known yet may come as the page is opened; what the site's history denies will not.
            guard try await sites.feed(of: link.address.id) != nil else { return number }
            do throws(NodeError) {
                return try await release(of: link.address.id, link.selector, mayUseNetwork: true).sequence
            } catch {
                guard error.kind == .notFound else { return number }
                throw error
            }
        case .label:
            return try await release(of: link.address.id, link.selector, mayUseNetwork: true).sequence
        }
    }

    /// What is being done for the site, for the live page.
    public func activity(of site: Digest256) async -> SiteActivity {
        let holders = sites.holders(of: site)
        let feed = try? await sites.feed(of: site)
        let name = String(site.hex.prefix(8))
        let peers = await swarms.peers().filter { $0.swarm.hasPrefix(name) }
        let stage =
            if feed == nil {
                holders.isEmpty ? "asking the DHT who holds this site" : "asking holders for its history"
            } else {
                peers.count == 0 ? "looking for peers that have the page" : "fetching the page"
            }
        return SiteActivity(
            stage: stage,
            peersKnown: holders.count,
            peersConnected: peers.count + sites.connections(of: site).count,
            bytesReceived: peers.reduce(sites.received(for: site)) { $0 + $1.down },
            impostors: feed == nil ? sites.impostors(of: site) : 0
        )
    }
}
