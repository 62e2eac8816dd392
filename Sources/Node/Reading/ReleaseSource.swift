// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Keys
internal import Storage
internal import Synchronization
internal import Wire

/// Where the pages of an address come from.
enum ReleaseSource: Sendable {
    /// A site with a history.
    case feed(SiteFeed)
    /// One tree without a history.
    case tree(BareTree)
}

/// A tree that an item of the DHT or a link names, without a feed.
struct BareTree: Hashable, Sendable {
    /// What the gateway calls it.
    var id: Digest256
    var v1: Digest160?
    var v2: Digest256?
    /// Of the item that named it; 0 for a link to the tree itself.
    var sequence: Int64
}

/// The bare trees that were opened, by what the gateway calls them.
///
/// Thread-safe. Memory: 100 bytes a tree, at most ``capacity``; the lists of files of the last ``listed``.
final class TreeShelf: Sendable {
    static let capacity = 4096
    static let listed = 16

    private struct State {
        var trees: [Digest256: BareTree] = [:]
        /// The latest last.
        var open: [(tree: BareTree, files: OpenTree)] = []
    }

    private let state = Mutex(State())

    func keep(_ tree: BareTree) {
        state.withLock { state in
            if state.trees.count >= Self.capacity { state.trees.removeAll() }
            // An item with a lower number is an older one.
            if let known = state.trees[tree.id], known.sequence > tree.sequence { return }
            state.trees[tree.id] = tree
        }
    }

    func keep(_ files: OpenTree, of tree: BareTree) {
        state.withLock { state in
            state.open.removeAll { $0.tree == tree }
            if state.open.count >= Self.listed { state.open.removeFirst() }
            state.open.append((tree, files))
        }
    }

    func tree(_ id: Digest256) -> BareTree? { state.withLock { $0.trees[id] } }

    func open(_ tree: BareTree) -> OpenTree? {
        state.withLock { state in state.open.first { $0.tree == tree }?.files }
    }
}

/// What a page load is pinned to.
enum PinnedRelease: Sendable {
    case release(SiteRelease)
    case tree(BareTree)
}

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
