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

    /// Looks for a site beside whoever shows what is known of it. Of one that is met for the first time the page is fetched too
    /// which is about to be asked for: the browser, on its way meanwhile, finds it here or under way.
    func look(_ search: SiteVisits.Search) async {
        let site = search.site
        guard let path = search.path else {
            _ = try? await sites.refresh(.site(site), peers: hints.of(site), within: .seconds(10))
            return
        }
        do throws(NodeError) {
            guard case .feed(let feed) = try await discover(site) else { return }
            visits.looked(for: site)
            let newest = try Self.select(.newest, in: feed.state)
            let release = ReleaseReference(site: site.hex, sequence: UInt64(newest.seq), label: newest.label)
            guard let file = try await page(at: path, in: release) else { return }
            _ = try await read(file, in: release, from: 0, count: Self.expectedBytes, mayUseNetwork: true)
        } catch {
            // Whoever comes for the page looks again, and is told.
        }
    }

    /// The file that a browser is shown at a path.
    private func page(at path: [String], in release: ReleaseReference) async throws(NodeError) -> ReleaseFile? {
        let index = SiteExchangeSpecification.frontPath
        if !path.isEmpty, case .file(let file)? = try await entry(at: path, in: release, mayUseNetwork: true) {
            return file
        }
        guard case .file(let file)? = try await entry(at: path + index, in: release, mayUseNetwork: true) else {
            return nil
        }
        return file
    }

    /// How much of an expected page is fetched: as much as the gateway asks for at a time.
    private static let expectedBytes = 128 * 1024

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
