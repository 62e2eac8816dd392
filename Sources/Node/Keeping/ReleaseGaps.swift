// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Storage
internal import Wire

/// A release that should be here whole and is not.
struct ReleaseGap: Sendable {
    var site: SiteRecord
    var release: ReleaseRecord
    var missing: Set<Digest256>
}

/// Finds what has gone from what this node keeps, and gets it again.
struct ReleaseGaps: Sendable {
    let context: NodeContext
    let sites: SiteService
    let swarms: SwarmService

    /// Every release of own sites, and the newest of pinned ones, of which something is missing; the newest of each site
    /// first. Costs a look at the place of every file of them. `damaged` files are missing too, wherever they are.
    func find(besides damaged: Set<Digest256> = []) async throws(NodeError) -> [ReleaseGap] {
        let context = context
        return try await context.blocking.run {
            try context.metadata.read { metadata in
                var gaps: [ReleaseGap] = []
                for site in try metadata.sites() where site.isOwn || site.isPinned {
                    let releases = try metadata.releases(of: site.id).reversed()
                    for release in site.isOwn ? releases[...] : releases.prefix(1) {
                        guard let manifest = try metadata.soundManifest(of: site.id, seq: release.seq) else { continue }
                        var missing = manifest.missingRoots(in: context.content)
                        if !damaged.isEmpty {
                            missing.formUnion(damaged.intersection(manifest.files.compactMap(\.root)))
                        }
                        if !missing.isEmpty {
                            gaps.append(ReleaseGap(site: site, release: release, missing: missing))
                        }
                    }
                }
                return gaps
            }
        }
    }

    /// Gets what is missing from the folder, where it still has it, and else from peers. What is left in the gap was not
    /// to be had; throws only where the caller was cancelled, or the disk fails.
    ///
    /// `tried`: folders that were looked into already, of which each is read once, and sites that nobody had something of.
    func mend(
        _ gap: inout ReleaseGap,
        tried: inout Set<String>,
        report: @escaping LongWork.Report = { _ in }
    ) async throws(NodeError) {
        let (context, site, seq) = (context, gap.site.id, gap.release.seq)
        guard let feed = try await sites.feed(of: site), let release = feed.state.release(seq: seq)?.release else {
            return
        }
        let wanted = SiteRelease(site: site, release: release)
        let manifest = try await sites.manifest(of: wanted, mayUseNetwork: false)
        let lease = context.content.lease(manifest.files.compactMap(\.root))
        defer { lease.end() }
        gap.missing = manifest.missingRoots(in: context.content)
        if !gap.missing.isEmpty, gap.site.isOwn, let folder = gap.site.folder, tried.insert(folder).inserted {
            await snapshot(folder, report: report)
            gap.missing = manifest.missingRoots(in: context.content)
        }
        // Where nobody had one release of a site, each further one would be waited for as long.
        if gap.missing.isEmpty || tried.contains(site.hex) { return }
        do throws(NodeError) {
            let sites = sites
            // A first look for holders: without one the fetch below has nobody to begin with.
            _ = try? await sites.refresh(.site(site), within: .seconds(10))
            // An open torrent believes that it has what it had.
            await swarms.follow(Set(gap.missing.map { .file(root: $0) }))
            try await swarms.fetchAll(wanted, manifest: manifest) {
                KnownPeers(holders: sites.holders(of: site), sources: SourceHints(release))
            } report: {
                report($0)
            }
        } catch {
            guard !Task.isCancelled else { throw error }
            tried.insert(site.hex)
        }
        gap.missing = manifest.missingRoots(in: context.content)
    }

    /// Copies what the folder has now into the store; only what some release names stays there.
    private func snapshot(_ folder: String, report: @escaping LongWork.Report) async {
        let content = context.content
        // A folder that has gone, or has changed, mends nothing, which the look that follows finds.
        _ = try? await LongWork.run(on: context.blocking, report: report) { work in
            var options = PublishOptions()
            options.trustsTimes = false
            options.isCancelled = { work.isCancelled }
            options.report = { work.progress($0.rawValue, $1, $2) }
            return try PublishPass.run(folder: folder, into: content, options: options).added
        }
    }
}
