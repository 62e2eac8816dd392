// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Storage
internal import Wire

extension Doctor {
    /// Reads every complete file. What is damaged is out of service afterwards.
    func scrub(report: @escaping LongWork.Report) async throws(NodeError) -> ([Finding], damaged: Set<Digest256>) {
        let content = context.content
        let damaged = try await LongWork.run(on: context.blocking, report: report) { work in
            try content.checkpoint()
            var files: [(root: Digest256, length: Int64)] = []
            try content.forEachFile { key, length in
                if case .file(let root) = key { files.append((root, length)) }
            }
            let total = files.reduce(Int64(0)) { $0 + $1.length }
            var (done, damaged): (Int64, Set<Digest256>) = (0, [])
            for file in files {
                guard !work.isCancelled else { throw CancellationError() }
                if try content.verify(file.root) == .damaged { damaged.insert(file.root) }
                done += file.length
                work.progress("checking", done, total)
            }
            return (files.count, damaged, try content.partialFilesWithoutRecord())
        }
        var findings: [Finding] = []
        if damaged.1.isEmpty { findings.append(.ok("\(damaged.0) files of content are what their hashes say")) }
        if content.damagedPacks > 0 {
            findings.append(
                .repaired(
                    "\(content.damagedPacks) packs of small files were not whole when the node started; what was sound is held"
                )
            )
        }
        if damaged.2 > 0 {
            findings.append(.ok("\(damaged.2) unfinished files are verified again when they are wanted"))
        }
        return (findings, damaged.1)
    }

    /// A release that should be here whole and is not.
    private struct Gap: Sendable {
        var site: SiteRecord
        var release: ReleaseRecord
        var missing: Set<Digest256>
    }

    /// Whether own and pinned sites are here whole, and what became of damaged files.
    func completeness(
        damaged: Set<Digest256>,
        repair: Bool,
        report: @escaping LongWork.Report
    ) async throws(NodeError) -> [Finding] {
        let gaps = try await gaps()
        var findings: [Finding] = []
        var accounted: Set<Digest256> = []
        var tried: Set<String> = []
        for gap in gaps {
            accounted.formUnion(gap.missing)
            var gap = gap
            let count = gap.missing.count
            if repair { try await mend(&gap, tried: &tried, report: report) }
            findings.append(Self.finding(gap, count: count, repair: repair))
        }
        let cached = damaged.subtracting(accounted).count
        if cached > 0 {
            findings.append(
                .repaired(
                    "\(cached) damaged files of sites that were read were taken out; they are fetched when wanted"
                )
            )
        }
        let held = HeldReleases(context: context, sites: sites, swarms: swarms)
        for site in Set(gaps.map(\.site.id)) { try await held.survey(site) }
        return findings
    }

    private static func finding(_ gap: Gap, count: Int, repair: Bool) -> Finding {
        let what = "release \(gap.release.seq) of \(name(gap.site))"
        if gap.missing.isEmpty { return .repaired("\(count) files of \(what) were damaged or missing, and are back") }
        let remedy =
            if !repair {
                "Run `roost doctor --repair`: they come again from the folder or from peers."
            } else if gap.site.isOwn {
                "Put the files of that release back into the folder, or connect to a peer that has it, and try again."
            } else {
                "Try again when a peer that holds the site can be reached."
            }
        return .problem("\(gap.missing.count) files of \(what) are damaged or missing", remedy)
    }

    /// Every release of own sites, and the newest of pinned ones, of which something is missing.
    private func gaps() async throws(NodeError) -> [Gap] {
        let context = context
        return try await context.blocking.run {
            try context.metadata.read { metadata in
                var gaps: [Gap] = []
                for site in try metadata.sites() where site.isOwn || site.isPinned {
                    let releases = try metadata.releases(of: site.id)
                    for release in site.isOwn ? releases[...] : releases.suffix(1) {
                        guard let manifest = try metadata.manifest(of: site.id, seq: release.seq) else { continue }
                        let missing = Self.missing(of: manifest, in: context.content)
                        if !missing.isEmpty { gaps.append(Gap(site: site, release: release, missing: missing)) }
                    }
                }
                return gaps
            }
        }
    }

    private static func missing(of manifest: ReleaseManifest, in content: ContentStore) -> Set<Digest256> {
        var missing: Set<Digest256> = []
        for file in manifest.files {
            guard let root = file.root, content.length(of: .file(root: root)) != file.length else { continue }
            missing.insert(root)
        }
        return missing
    }

    /// Gets what is missing from the folder, where it still has it, and else from peers.
    private func mend(
        _ gap: inout Gap,
        tried: inout Set<String>,
        report: @escaping LongWork.Report
    ) async throws(NodeError) {
        let (context, site, seq) = (context, gap.site.id, gap.release.seq)
        guard let feed = try await sites.feed(of: site), let release = feed.state.release(seq: seq)?.release else {
            return
        }
        let wanted = SiteRelease(site: site, release: release)
        let manifest = try await sites.manifest(of: wanted, mayUseNetwork: false)
        let lease = context.content.lease(manifest.files.compactMap(\.root))
        defer { lease.end() }
        if gap.site.isOwn, let folder = gap.site.folder, tried.insert(folder).inserted {
            await snapshot(folder, report: report)
        }
        gap.missing = Self.missing(of: manifest, in: context.content)
        if gap.missing.isEmpty { return }
        do throws(NodeError) {
            let sites = sites
            // A first look for holders: without one the fetch below has nobody to begin with.
            _ = try? await sites.refresh(.site(site), within: .seconds(10))
            // An open torrent believes that it has what it had.
            await swarms.stopServing(site: site)
            try await swarms.fetchAll(wanted, manifest: manifest) {
                KnownPeers(holders: sites.holders(of: site))
            } report: {
                report($0)
            }
        } catch {
            guard !Task.isCancelled else { throw error }
        }
        gap.missing = Self.missing(of: manifest, in: context.content)
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
