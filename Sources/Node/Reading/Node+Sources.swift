// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Keys
internal import Storage
internal import Wire

extension Node {
    /// What is known of an address, refreshed as far as it may be.
    func source(of site: Digest256, mayUseNetwork: Bool) async throws(NodeError) -> ReleaseSource {
        if let tree = trees.tree(site), tree.sequence == 0 { return .tree(tree) }
        let known = try await sites.feed(of: site)
        guard mayUseNetwork else {
            if let known { return .feed(known) }
            if let tree = trees.tree(site) { return .tree(tree) }
            throw NodeError(
                .unavailable,
                "this site is not known here yet",
                remedy: "Open it yourself; pages of others do not make this node look for it."
            )
        }
        let freshness = visits.visit(site)
        if let known, known.state.newest != nil {
            if try await isOwn(site) || freshness != .stale { return .feed(known) }
            let newer = try? await sites.refresh(.site(site), peers: hints.of(site), within: SiteVisits.patience)
            return .feed(newer?.feed ?? known)
        }
        return try await discover(site)
    }

    private func isOwn(_ site: Digest256) async throws(NodeError) -> Bool {
        try await record(of: site)?.isOwn ?? false
    }

    /// Looks for a site that is met for the first time.
    private func discover(_ site: Digest256) async throws(NodeError) -> ReleaseSource {
        let record = try await record(of: site)
        let address = record?.key.map { SiteAddress.key($0, salt: record?.salt ?? []) } ?? .site(site)
        let finding = try await sites.refresh(address, peers: hints.of(site), within: .seconds(30))
        switch finding.content {
        case .feed(let feed): return .feed(feed)
        case .tree(let v1, let v2, let sequence):
            let tree = BareTree(id: site, v1: v1, v2: v2, sequence: max(1, sequence))
            trees.keep(tree)
            return .tree(tree)
        }
    }

    /// What a reference of a page load stands for.
    func pinned(
        _ reference: ReleaseReference,
        mayUseNetwork: Bool
    ) async throws(NodeError) -> PinnedRelease {
        guard let site = Digest256(hex: reference.site) else {
            throw NodeError(.badData, "'\(reference.site)' is no site", remedy: "Open the site anew.")
        }
        try refuseDenied(.site(site))
        if let feed = try await sites.feed(of: site),
            let release = Int64(exactly: reference.sequence).flatMap({ feed.state.release(seq: $0) })
        {
            return .release(SiteRelease(site: site, release: release.release))
        }
        if let tree = trees.tree(site) { return .tree(tree) }
        throw NodeError(.notFound, "this release is not known here", remedy: "Open the site anew.")
    }
}
