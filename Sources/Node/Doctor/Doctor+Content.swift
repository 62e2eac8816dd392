// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Storage
internal import Wire

extension Doctor {
    /// Reads every complete file. With `repair`, what is damaged is out of service afterwards.
    func scrub(
        repair: Bool,
        report: @escaping LongWork.Report
    ) async throws(NodeError) -> ([Finding], damaged: Set<Digest256>) {
        let content = context.content
        let context = context
        let packs = try await packs(repair: repair)
        let (count, damaged, unrecorded, torrents) = try await LongWork.run(on: context.blocking, report: report) {
            work in
            try content.checkpoint()
            var files: [(root: Digest256, length: Int64)] = []
            var torrents: [Digest160: [Int: Int64]] = [:]
            try content.forEachFile { key, length in
                switch key {
                case .file(let root): files.append((root, length))
                case .v1(let torrent, let file): torrents[torrent, default: [:]][file] = length
                }
            }
            let rootless = torrents.values.reduce(Int64(0)) { $0 + $1.values.reduce(0, +) }
            let total = files.reduce(rootless) { $0 + $1.length }
            var (done, damaged): (Int64, Set<Digest256>) = (0, [])
            let step = { (bytes: Int64) in
                guard !work.isCancelled else { throw CancellationError() }
                done += bytes
                work.progress("checking", done, total)
            }
            for file in files {
                if try content.verify(file.root, takingOut: repair) == .damaged { damaged.insert(file.root) }
                try step(file.length)
            }
            var scrub = V1Scrub(context: context, takingOut: repair)
            for (torrent, files) in torrents { try scrub.look(at: files, of: torrent, step: step) }
            return (files.count, damaged, try content.partialFilesWithoutRecord(), scrub)
        }
        var findings = torrents.findings
        if damaged.isEmpty, torrents.damaged.isEmpty {
            findings.insert(.ok("\(count + torrents.sound) files of content are what their hashes say"), at: 0)
        }
        findings += packs
        if unrecorded > 0 {
            findings.append(.ok("\(unrecorded) unfinished files are verified again when they are wanted"))
        }
        return (findings, damaged)
    }

    private func packs(repair: Bool) async throws(NodeError) -> [Finding] {
        let content = context.content
        let (cut, before, after, unreadable) = try await context.blocking.run {
            let unreadable = content.unreadablePacks
            let (cut, before) = (content.cutPacks, content.damagedPacks - unreadable)
            if repair { try content.mendPacks() }
            return (cut, before, content.damagedPacks - unreadable, unreadable)
        }
        var findings: [Finding] = []
        if cut > 0 {
            let what = "\(cut) packs of small files had an end that was not whole"
            findings.append(.repaired("\(what), which was cut off when the node started"))
        }
        // So a power failure leaves a pack that was being written. Whose files are missed is said of the site.
        let broken = "packs of small files were not whole when the node started; what was sound is held"
        if !repair, before > 0 { findings.append(.ok("\(before) \(broken)")) }
        if repair, before > after { findings.append(.repaired("\(before - after) \(broken), and written anew")) }
        if repair, after > 0 {
            findings.append(
                .problem(
                    "\(after) packs of small files are not whole and cannot be written anew; what is sound is held",
                    "Free space on the disk, or check it, and run `roost doctor` again."
                )
            )
        }
        if unreadable > 0 {
            let remedy = "Check the disk, and move what is no pack out of content/packs/ while no node runs."
            findings.append(.problem("\(unreadable) packs of small files cannot be read", remedy))
        }
        return findings
    }

    /// Whether own and pinned sites are here whole, and what became of damaged files.
    func completeness(
        damaged: Set<Digest256>,
        repair: Bool,
        report: @escaping LongWork.Report
    ) async throws(NodeError) -> [Finding] {
        let finder = ReleaseGaps(context: context, sites: sites, swarms: swarms)
        // The node itself may get again what was taken out, before this has looked.
        let gaps = try await finder.find(besides: damaged)
        var findings: [Finding] = []
        var accounted: Set<Digest256> = []
        var tried: Set<String> = []
        for gap in gaps {
            accounted.formUnion(gap.missing)
            var gap = gap
            let count = gap.missing.count
            if repair { try await finder.mend(&gap, tried: &tried, report: report) }
            findings.append(Self.finding(gap, count: count, repair: repair))
        }
        let cached = damaged.subtracting(accounted).count
        if cached > 0 {
            findings.append(
                repair
                    ? .repaired(
                        "\(cached) damaged files of sites that were read were taken out; they are fetched when wanted"
                    )
                    : .problem(
                        "\(cached) files of sites that were read are damaged",
                        "Run `roost doctor`: it takes them out, and they are fetched when wanted."
                    )
            )
        }
        let held = HeldReleases(context: context, sites: sites, swarms: swarms)
        for site in Set(gaps.map(\.site.id)) { try await held.survey(site) }
        return findings
    }

    private static func finding(_ gap: ReleaseGap, count: Int, repair: Bool) -> Finding {
        let what = "release \(gap.release.seq) of \(name(gap.site))"
        if gap.missing.isEmpty { return .repaired("\(count) files of \(what) were damaged or missing, and are back") }
        let remedy =
            if !repair {
                "Run `roost doctor`: they come again from the folder or from peers."
            } else if gap.site.isOwn {
                "Put the files of that release back into the folder, or connect to a peer that has it, and try again."
            } else {
                "Try again when a peer that holds the site can be reached."
            }
        return .problem("\(gap.missing.count) files of \(what) are damaged or missing", remedy)
    }
}
