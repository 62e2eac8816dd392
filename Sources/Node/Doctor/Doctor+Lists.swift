// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Feeds
internal import Storage
internal import Wire

extension Doctor {
    /// The list of files of the newest release of own sites that have none, as after a rescue of the database: their folder
    /// tells it anew, where it is as it was published.
    func relist(report: @escaping LongWork.Report) async throws(NodeError) -> [Finding] {
        let context = context
        let records = try await context.blocking.run { try context.metadata.read { try $0.sites() } }
        var findings: [Finding] = []
        for record in records where record.isOwn {
            guard let folder = record.folder, let release = try await sites.feed(of: record.id)?.state.newest?.release,
                try await !hasList(of: record.id, release.seq)
            else { continue }
            // A folder that has gone tells nothing.
            let tree = try? await LongWork.run(on: context.blocking, report: report) { work in
                var options = PublishOptions()
                options.isCancelled = { work.isCancelled }
                options.report = { work.progress($0.rawValue, $1, $2) }
                return try PublishPass.run(folder: folder, into: context.content, options: options)
            }
            guard let tree, tree.hashes.v2 == release.v2 else { continue }
            try await context.blocking.run {
                try context.metadata.write {
                    try tree.save(as: SiteRelease(site: record.id, release: release).record, in: $0)
                }
            }
            try await HeldReleases(context: context, sites: sites, swarms: swarms).survey(record.id)
            findings.append(
                .repaired(
                    "the list of files of release \(release.seq) of \(Self.name(record)) was lost, and is made anew"
                )
            )
        }
        return findings
    }

    /// Of own and pinned sites, releases of which nobody can tell what files they have: what should be here cannot be missed
    /// then. With `repair` the list of the newest is asked for from peers that hold the site.
    func lists(repair: Bool) async throws(NodeError) -> [Finding] {
        let context = context
        let records = try await context.blocking.run { try context.metadata.read { try $0.sites() } }
        var findings: [Finding] = []
        for record in records where record.isOwn || record.isPinned {
            // That a history is missing or damaged is said of itself.
            guard let state = try? await sites.feed(of: record.id)?.state, let newest = state.newest?.release else {
                continue
            }
            var older: [String] = []
            for release in state.releases.map(\.release) where record.isOwn && release.seq < newest.seq {
                if try await !hasList(of: record.id, release.seq) { older.append("\(release.seq)") }
            }
            if !older.isEmpty {
                let what = "of release \(older.joined(separator: ", ")) of \(Self.name(record))"
                findings.append(.ok("\(what) there is no list of files here: it is got from peers when it is wanted"))
            }
            if try await hasList(of: record.id, newest.seq) { continue }
            findings.append(try await ask(for: newest, of: record, repair: repair))
        }
        return findings
    }

    private func ask(for release: Release, of record: SiteRecord, repair: Bool) async throws(NodeError) -> Finding {
        let what = "the list of files of release \(release.seq) of \(Self.name(record))"
        guard repair else { return .problem("\(what) is not here", "Run `roost doctor`: it asks holders for it.") }
        _ = try? await sites.refresh(.site(record.id), within: .seconds(10))
        if !sites.holders(of: record.id).isEmpty,
            (try? await sites.manifest(of: SiteRelease(site: record.id, release: release))) != nil
        {
            return .repaired("\(what) was not here, and came from a holder")
        }
        if Task.isCancelled { throw NodeError(unexpected: CancellationError()) }
        let remedy =
            record.isOwn
            ? "Put its folder back to where it was published from, as it was, or connect to a peer that has the site, and run "
                + "`roost doctor` again; or publish the folder with a change."
            : "Try again when a peer that holds the site can be reached."
        return .problem("\(what) is not here, so nobody can tell whether its files are", remedy)
    }

    private func hasList(of site: Digest256, _ seq: Int64) async throws(NodeError) -> Bool {
        let context = context
        return try await context.blocking.run {
            try context.metadata.read { try $0.soundManifest(of: site, seq: seq) != nil }
        }
    }
}
