// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Keys
internal import Storage
internal import Wire

extension Node {
    /// All sites that are known here: own, pinned and read.
    public func sites() async throws(NodeError) -> [SiteSummary] {
        let metadata = context.metadata
        let records = try await context.blocking.run { try metadata.read { try $0.sites() } }
        var summaries: [SiteSummary] = []
        for record in records { summaries.append(try await summary(of: record)) }
        return summaries
    }

    /// One known site. Throws `.noInput` where it is unknown.
    public func site(_ address: String) async throws(NodeError) -> SiteSummary {
        try await summary(of: try await record(address))
    }

    /// The same, after a search of at most 10 s for those who hold it.
    public func siteWithHolders(_ address: String) async throws(NodeError) -> SiteSummary {
        let record = try await record(address)
        do {
            _ = try await sites.refresh(.site(record.id), peers: hints.of(record.id), within: .seconds(10))
        } catch  where error.kind == .unavailable {
            // Nobody answered: that is the answer.
        }
        var summary = try await summary(of: record)
        let own = listens
        let holders = sites.holders(of: record.id).filter { !own.contains($0) }
        summary.holders = holders.map(\.description)
        summary.replicas = holders.count
        return summary
    }

    /// The record of a site that is known here.
    func record(_ address: String) async throws(NodeError) -> SiteRecord {
        let id = try SiteLink(parsing: address).address.id
        guard let record = try await record(of: id) else {
            throw NodeError(
                .noInput,
                "this node does not know the site \(id.hex.prefix(12))…",
                remedy: "Open it first with `roost open`."
            )
        }
        return record
    }

    func record(of site: Digest256) async throws(NodeError) -> SiteRecord? {
        let metadata = context.metadata
        return try await context.blocking.run { try metadata.read { try $0.site(site) } }
    }

    private func summary(of record: SiteRecord) async throws(NodeError) -> SiteSummary {
        let feed = try await sites.feed(of: record.id)
        let newest = feed?.state.newest
        let last = feed?.state.releases.last
        return SiteSummary(
            site: SiteAddress.site(record.id).text,
            key: (feed?.state.siteKey ?? record.key)?.hex,
            title: record.title.isEmpty ? String(record.id.hex.prefix(12)) : record.title,
            own: record.isOwn,
            pinned: record.isPinned,
            withdrawn: newest == nil && last != nil,
            seq: UInt64(clamping: newest?.release.seq ?? 0),
            label: newest?.release.label ?? "",
            files: newest?.release.files ?? 0,
            bytes: newest?.release.bytes ?? 0,
            stored: try await stored(record, newest?.release),
            gateway: names.url(of: record.id),
            replicas: sites.holders(of: record.id).count,
            endorsers: try await endorsers(feed),
            warnings: feed.map(Self.warnings) ?? []
        )
    }

    private func endorsers(_ feed: SiteFeed?) async throws(NodeError) -> [String] {
        guard let feed, !feed.state.endorsements.isEmpty else { return [] }
        let keys = context.keys
        return try await context.blocking.run { keys.endorsers(of: feed.state).map { $0.name ?? $0.id.hex } }
    }

    /// How much of a release is here, in bytes.
    private func stored(_ record: SiteRecord, _ release: Release?) async throws(NodeError) -> Int64 {
        guard let release else { return 0 }
        let context = context
        return try await context.blocking.run {
            let manifest = try context.metadata.read { try $0.soundManifest(of: record.id, seq: release.seq) }
            if let manifest {
                return try manifest.files.reduce(0) { sum, file in
                    guard let root = file.root else { return sum }
                    return sum + (try context.content.verified(.file(root: root), length: file.length).byteCount)
                }
            }
            return try context.metadata.read { try $0.wants(of: record.id) }.reduce(0) { sum, want in
                sum + (try context.content.verified(.file(root: want.root), length: want.length).byteCount)
            }
        }
    }

    /// What a reader should know of the site's history.
    static func warnings(_ feed: SiteFeed) -> [String] {
        var warnings: [String] = []
        if feed.isQuarantined {
            warnings.append("its key signed two histories: nothing new is shown until its owner changes the keys")
        }
        for branch in feed.branches {
            let releases = branch.releases.map { "\($0.seq) (\($0.label))" }.joined(separator: ", ")
            let what = releases.isEmpty ? "a state without releases" : "release \(releases)"
            switch branch.kind {
            case .fork: warnings.append("the same key also signed another history with \(what)")
            case .superseded: warnings.append("its owner disowned a history with \(what)")
            }
        }
        return warnings
    }

    /// The provable history, oldest first, then what its owner disowned.
    public func releases(of address: String) async throws(NodeError) -> [ReleaseSummary] {
        let record = try await record(address)
        guard let feed = try await sites.feed(of: record.id) else { return [] }
        let disowned = feed.branches.flatMap(\.releases).map { Self.summary($0, isWithdrawn: false, isValid: false) }
        let valid = feed.state.releases.map {
            Self.summary($0.release, isWithdrawn: $0.withdrawal != nil, isValid: true)
        }
        return valid + disowned
    }

    private static func summary(_ release: Release, isWithdrawn: Bool, isValid: Bool) -> ReleaseSummary {
        ReleaseSummary(
            seq: UInt64(clamping: release.seq),
            label: release.label,
            message: release.message,
            time: WallClock.text(release.time),
            v1: release.v1?.hex ?? "",
            v2: release.v2.hex,
            files: release.files,
            bytes: release.bytes,
            withdrawn: isWithdrawn,
            valid: isValid
        )
    }
}
