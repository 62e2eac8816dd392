// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Feeds
internal import Storage
internal import Wire

/// Gets whole releases and bare trees, into the store and out into folders.
///
///     link ── refresh ──▶ release ── directory ──▶ manifest ── torrents ──▶ store ── FolderExport ──▶ folder
struct Fetcher: Sendable {
    let context: NodeContext
    let sites: SiteService
    let swarms: SwarmService
    /// How long holders of a site are looked for.
    var patience = Duration.seconds(30)

    /// What came, before it is said to the user.
    private struct Fetched {
        var items: [FolderExport.Item]
        var label = ""
        var seq: Int64 = 0
        var received: Int64 = 0
        var peers = 0
    }

    /// Fetches what a link names; with a folder in the request, writes it there. `hints` are what other links said.
    func fetch(
        _ request: FetchRequest,
        hints: KnownPeers = [],
        report: @escaping LongWork.Report
    ) async throws(NodeError) -> FetchResult {
        let start = ContinuousClock.now
        let link = try SiteLink(parsing: request.link)
        let named = try request.peers.map(Self.endpoint)
        if let directory = request.directory { try await checkFolder(directory) }
        let trace = SiteTrace()
        let peers = KnownPeers(
            named: named,
            holders: link.peers + hints.holders,
            sources: link.sources.isEmpty ? hints.sources : link.sources
        )
        let before = sites.received(for: link.address.id)
        report(NodeProgress(stage: "finding peers", done: 0, total: nil))
        let finding = try await find(link.address, peers: peers, trace: trace)
        let isWritten = request.directory != nil
        let (fetched, lease) = try await fetch(
            finding,
            link.selector,
            isWritten: isWritten,
            peers: peers,
            trace: trace,
            report: report
        )
        defer { lease.end() }
        var renamed: [String] = []
        if let directory = request.directory {
            renamed = try await write(fetched.items, to: directory, report: report).renamed
            for path in renamed { trace.note("\(path) has another name here") }
            trace.note("written to \(directory)")
        }
        return FetchResult(
            site: finding.address(of: link.address).text,
            seq: UInt64(clamping: fetched.seq),
            label: fetched.label,
            dir: request.directory,
            files: fetched.items.count,
            bytes: fetched.items.reduce(0) { $0 + $1.length },
            received: fetched.received + sites.received(for: link.address.id) - before,
            seconds: (ContinuousClock.now - start).seconds,
            peers: max(fetched.peers, finding.answered),
            renamed: renamed.isEmpty ? nil : renamed,
            trace: request.trace ? trace.lines.map(Self.text) : nil
        )
    }

    /// Gets all of a release into the store and notes that it is wanted.
    func fetch(
        release: SiteRelease,
        peers: KnownPeers = [],
        report: @escaping LongWork.Report = { _ in }
    ) async throws(NodeError) {
        let (_, lease) = try await fetch(
            release,
            isWritten: false,
            peers: peers,
            trace: SiteTrace(),
            report: report
        )
        lease.end()
    }

    // MARK: Getting

    /// Looks again while there is time: a node that has just started knows few others, and who has just published has
    /// told few.
    private func find(
        _ address: SiteAddress,
        peers: KnownPeers,
        trace: SiteTrace
    ) async throws(NodeError) -> SiteFinding {
        let clock = ContinuousClock()
        let end = clock.now + patience
        var first: NodeError?
        while true {
            do throws(NodeError) {
                return try await sites.refresh(address, peers: peers.all, within: end - clock.now, trace: trace)
            } catch {
                guard error.kind == .unavailable else { throw error }
                // The first has the whole time in its words.
                first = first ?? error
                guard end - clock.now > Self.pause else { throw first ?? error }
            }
            do { try await clock.sleep(for: Self.pause) } catch { throw NodeError(unexpected: error) }
            trace.note("looking again")
        }
    }

    private static let pause = Duration.seconds(2)

    /// What was found under an address: a release of a site, or a tree without a history.
    private func fetch(
        _ finding: SiteFinding,
        _ selector: ReleaseSelector,
        isWritten: Bool,
        peers: KnownPeers,
        trace: SiteTrace,
        report: @escaping LongWork.Report
    ) async throws(NodeError) -> (Fetched, ContentLease) {
        switch finding.content {
        case .feed(let feed):
            let release = SiteRelease(site: feed.site, release: try selector.release(in: feed.state))
            return try await fetch(release, isWritten: isWritten, peers: peers, trace: trace, report: report)
        case .tree(let v1, let v2, let sequence):
            var (fetched, lease) = try await fetchTree(
                v1,
                v2,
                isWritten: isWritten,
                peers: peers,
                trace: trace,
                report: report
            )
            fetched.seq = sequence
            return (fetched, lease)
        }
    }

    private func fetch(
        _ release: SiteRelease,
        isWritten: Bool,
        peers: KnownPeers,
        trace: SiteTrace,
        report: @escaping LongWork.Report
    ) async throws(NodeError) -> (Fetched, ContentLease) {
        trace.note("release \(release.release.seq) (\(release.release.label)): reading its directory")
        let manifest = try await sites.manifest(of: release, peers: peers.all, trace: trace)
        let roots = manifest.files.compactMap(\.root)
        let lease = context.content.lease(roots)
        do throws(NodeError) {
            let old = isWritten ? try await begun(roots) : []
            var payload = try await get(release, manifest, peers: peers, report: report)
            if try await takeOutDamaged(old, report: report) {
                trace.note("files that were here are damaged, and come again")
                let again = try await get(release, manifest, peers: peers, report: report)
                payload.received += again.received
                payload.peers = max(payload.peers, again.peers)
            }
            trace.note("\(payload.received) bytes of payload from up to \(payload.peers) peers at a time")
            try await want(manifest, of: release.site)
            let fetched = Fetched(
                items: manifest.files.map(FolderExport.Item.init),
                label: release.release.label,
                seq: release.release.seq,
                received: payload.received,
                peers: payload.peers
            )
            return (fetched, lease)
        } catch {
            lease.end()
            throw error
        }
    }

    private func get(
        _ release: SiteRelease,
        _ manifest: ReleaseManifest,
        peers: KnownPeers,
        report: @escaping LongWork.Report
    ) async throws(NodeError) -> SwarmService.Fetched {
        let sites = sites
        return try await swarms.fetchAll(release, manifest: manifest) {
            KnownPeers(
                named: peers.named,
                whole: sites.wholeHolders(of: release),
                holders: peers.holders + sites.holders(of: release.site),
                sources: SourceHints(release.release)
            )
        } report: {
            report($0)
        }
    }

    private func fetchTree(
        _ v1: Digest160?,
        _ v2: Digest256?,
        isWritten: Bool,
        peers: KnownPeers,
        trace: SiteTrace,
        report: @escaping LongWork.Report
    ) async throws(NodeError) -> (Fetched, ContentLease) {
        trace.note("a tree without a history: asking for its description")
        let tree = try await swarms.openTree(v1: v1, v2: v2) { peers }
        let roots = tree.files.compactMap { file -> Digest256? in
            guard case .file(let root)? = file.key else { return nil }
            return root
        }
        let lease = context.content.lease(roots)
        var payload: SwarmService.Fetched
        do throws(NodeError) {
            let old = isWritten ? try await swarms.begun(tree) : []
            payload = try await swarms.fetchAll(tree, peers: { peers }, report: { report($0) })
            if try await swarms.takeOutDamaged(old, of: tree) {
                trace.note("files that were here are damaged, and come again")
                let again = try await swarms.fetchAll(tree, peers: { peers }, report: { report($0) })
                payload.received += again.received
                payload.peers = max(payload.peers, again.peers)
            }
        } catch {
            lease.end()
            throw error
        }
        trace.note("\(payload.received) bytes of payload from up to \(payload.peers) peers at a time")
        let items = tree.files.map {
            FolderExport.Item(path: $0.path, length: $0.length, key: $0.key, isExecutable: $0.isExecutable)
        }
        return (Fetched(items: items, label: tree.name, received: payload.received, peers: payload.peers), lease)
    }

    /// What was fetched stays until the quota wants it to go, the longest unwanted first.
    private func want(_ manifest: ReleaseManifest, of site: Digest256) async throws(NodeError) {
        let metadata = context.metadata
        try await context.blocking.run {
            let now = WallClock.seconds
            let wants = manifest.files.compactMap { file in
                file.root.map { WantRecord(root: $0, site: site, length: file.length, wantedAt: now) }
            }
            try metadata.write { connection in
                if try connection.site(site) == nil { try connection.save(SiteRecord(id: site, addedAt: now)) }
                try connection.save(wants)
            }
        }
    }

    // MARK: Writing

    private func checkFolder(_ path: String) async throws(NodeError) {
        guard path.hasPrefix("/") else {
            throw NodeError(.usage, "'\(path)' is no absolute path", remedy: "Give the whole path of the folder.")
        }
        try await context.blocking.run {
            do throws(ExportError) { try FolderExport.check(path) } catch { throw NodeError(error) }
        }
    }

    private func write(
        _ items: [FolderExport.Item],
        to directory: String,
        report: @escaping LongWork.Report
    ) async throws(NodeError) -> FolderExport.Result {
        let content = context.content
        return try await LongWork.run(on: context.blocking, report: report) { work in
            let export = FolderExport(content: content) {
                work.isCancelled
            } report: {
                work.progress("writing", $0, $1)
            }
            do throws(ExportError) { return try export.run(items, to: directory) } catch { throw NodeError(error) }
        }
    }

    // MARK: Words

    private static func endpoint(_ text: String) throws(NodeError) -> Endpoint {
        if let endpoint = Endpoint(text) { return endpoint }
        throw NodeError(
            .usage,
            "'\(text.prefix(80))' is no address of a peer",
            remedy: "Give it as HOST:PORT in numbers."
        )
    }

    private static func text(_ line: SiteTrace.Line) -> String {
        let milliseconds = Int64(line.time.seconds * 1000)
        return "\(milliseconds) ms: \(line.text)"
    }
}

extension ReleaseSelector {
    /// The release of a history that is meant.
    func release(in state: FeedState) throws(NodeError) -> Release {
        let found: FeedState.PublishedRelease?
        switch self {
        case .newest:
            found = state.newest
            if found == nil, !state.releases.isEmpty { throw Self.withdrawn }
        case .sequence(let number): found = Int64(exactly: number).flatMap { state.release(seq: $0) }
        case .label(let label): found = state.release(label: label)
        }
        guard let found else {
            throw NodeError(
                .notFound,
                "the site has no such release",
                remedy: "See what there is with `roost site releases`."
            )
        }
        guard found.withdrawal == nil else { throw Self.withdrawn }
        return found.release
    }

    private static let withdrawn = NodeError(
        .withdrawn,
        "the owner has withdrawn this release",
        remedy: "See what is left with `roost site releases`."
    )
}
