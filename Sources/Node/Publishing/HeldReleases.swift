// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Storage
internal import Wire

/// Serves the releases whose files are here completely, as far as the user's policy goes.
struct HeldReleases: Sendable {
    let context: NodeContext
    let sites: SiteService
    let swarms: SwarmService

    /// Serves a release that has just become complete, without looking at the others.
    func add(_ record: ReleaseRecord) async throws(NodeError) {
        guard try await isShared(record.site) else { return }
        await serve(record)
        sites.hold(record.site)
        let held = Set(sites.heldReleases(of: record.site)).union([record.seq])
        sites.setHeld(held.sorted(), of: record.site)
    }

    /// Finds out anew which releases of a site are complete, and whether they are to be served.
    func survey(_ site: Digest256) async throws(NodeError) {
        let before = context.content.lossCount
        let isShared = try await isShared(site)
        let releases = try await releases(of: site)
        if isShared {
            try await swarms.serve(site: site)
            try await serveParts(of: site, whole: Set(releases.map(\.record.seq)))
            sites.hold(site)
        } else {
            await swarms.stopServing(site: site)
            sites.drop(site)
        }
        sites.setHeld(isShared ? releases.filter(\.isComplete).map(\.record.seq) : [], of: site)
        // What went meanwhile may have been said before this was.
        if context.content.lossCount != before { try await forgetIncomplete(of: site) }
    }

    /// Looks again at the releases with any of these files, which have gone from the store or come back to it.
    ///
    /// - Returns: whether any of them is not whole.
    func follow(_ roots: Set<Digest256>) async throws(NodeError) -> Bool {
        let context = context
        let touched = try await context.blocking.run {
            try context.metadata.read { metadata in
                try metadata.describedReleases(withAnyOf: roots).map { record in
                    (record: record, isComplete: try Self.isComplete(record, metadata, context.content))
                }
            }
        }
        for (site, releases) in Dictionary(grouping: touched, by: \.record.site) {
            let back = releases.filter(\.isComplete).map(\.record.seq)
            let gone = Set(releases.map(\.record.seq)).subtracting(back)
            let isShared = try await isShared(site)
            sites.changeHeld(of: site) { held in
                let now = Set(held).subtracting(gone).union(isShared ? back : [])
                return now.sorted()
            }
        }
        return touched.contains { !$0.isComplete }
    }

    private func forgetIncomplete(of site: Digest256) async throws(NodeError) {
        let incomplete = Set(try await releases(of: site).filter { !$0.isComplete }.map(\.record.seq))
        sites.changeHeld(of: site) { $0.filter { !incomplete.contains($0) } }
    }

    /// Serves what was read of releases that were never fetched whole.
    private func serveParts(of site: Digest256, whole: Set<Int64>) async throws(NodeError) {
        guard let state = try await sites.feed(of: site)?.state else { return }
        let releases = state.releases.suffix(Self.maximumParts).filter { $0.withdrawal == nil }.map(\.release)
        for release in releases where !whole.contains(release.seq) {
            await swarms.serveParts(of: SiteRelease(site: site, release: release))
        }
    }

    /// Releases of one site of which parts are served, the newest.
    private static let maximumParts = 16

    /// Serves nothing of a site any more.
    func drop(_ site: Digest256) async {
        await swarms.stopServing(site: site)
        sites.setHeld([], of: site)
        sites.drop(site)
    }

    /// Whether the user's policy lets others have the site from here.
    private func isShared(_ site: Digest256) async throws(NodeError) -> Bool {
        guard context.admission.admits(.serve, Admission.Subject(site: site)) else { return false }
        let metadata = context.metadata
        let record = try await context.blocking.run { try metadata.read { try $0.site(site) } }
        guard let record else { return false }
        return switch context.configuration.effectiveServe {
        case .own: record.isOwn
        case .whileOpen: record.isOwn || record.isPinned
        case .quota: true
        }
    }

    private func releases(
        of site: Digest256
    ) async throws(NodeError) -> [(record: ReleaseRecord, isComplete: Bool)] {
        let context = context
        return try await context.blocking.run {
            try context.metadata.read { metadata in
                try metadata.releases(of: site).map { record in
                    (record, try Self.isComplete(record, metadata, context.content))
                }
            }
        }
    }

    private static func isComplete(
        _ record: ReleaseRecord,
        _ metadata: MetadataConnection,
        _ content: ContentStore
    ) throws -> Bool {
        guard let manifest = try metadata.soundManifest(of: record.site, seq: record.seq) else { return false }
        return manifest.files.allSatisfy { file in
            guard let root = file.root else { return true }
            return content.length(of: .file(root: root)) == file.length
        }
    }

    private func serve(_ record: ReleaseRecord) async {
        let v2 = ServedTorrent(site: record.site, sequence: record.seq, kind: .v2)
        await swarms.serve(v2, hash: record.v2.truncated)
        guard let hash = record.v1 else { return }
        await swarms.serve(ServedTorrent(site: record.site, sequence: record.seq, kind: .v1), hash: hash)
    }
}
