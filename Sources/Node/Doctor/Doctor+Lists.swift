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

    private func hasList(of site: Digest256, _ seq: Int64) async throws(NodeError) -> Bool {
        let context = context
        return try await context.blocking.run {
            try context.metadata.read { try $0.manifest(of: site, seq: seq) != nil }
        }
    }
}
