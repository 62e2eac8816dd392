// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Keys
internal import Storage
internal import Wire

extension KeepingService {
    /// Carries out what `roost site` changes. Durable when it returns.
    ///
    /// - Returns: what its user must be told beside that it was done; nil for nothing.
    func change(_ site: Digest256, _ change: SiteChange) async throws(NodeError) -> String? {
        switch change {
        case .pin: return try await pin(site)
        case .unpin: return try await unpin(site)
        case .remove: return try await remove(site)
        case .withdraw(let sequence): return try await withdraw(site, sequence)
        case .rotate: return try await rotate(site)
        case .recover(let kit): return try await recover(site, kit)
        }
    }

    // MARK: Keeping

    /// Keeps a site: all of its newest release is fetched now, or as soon as that is possible.
    private func pin(_ site: Digest256) async throws(NodeError) -> String? {
        let isOwn = try await update(site) { $0.isPinned = true }.isOwn
        if isOwn { return nil }
        do throws(NodeError) {
            try await complete(site)
            return nil
        } catch {
            sites.hold(site)
            if error.kind == .denied || Task.isCancelled { throw error }
            return "it is pinned, and not all of it is here yet: \(error.message); this node goes on trying"
        }
    }

    private func unpin(_ site: Digest256) async throws(NodeError) -> String? {
        _ = try await update(site) { $0.isPinned = false }
        try await held.survey(site)
        return nil
    }

    /// Forgets a site: its history, releases and files. Its keys and the protection against being rolled back stay.
    private func remove(_ site: Digest256) async throws(NodeError) -> String? {
        await held.drop(site)
        let context = context
        let feeds = sites.feeds
        let record = try await context.blocking.run {
            context.keeper.forget(site)
            let (record, roots) = try context.metadata.read { metadata in
                (try metadata.site(site), try Self.roots(of: site, metadata))
            }
            try context.metadata.write { try $0.removeSite(site) }
            feeds.forget(site)
            try context.keeper.drop(roots)
            if record?.isOwn == true, let folder = record?.folder { try? SourceFolder(folder).unmark(site) }
            return record
        }
        sites.enqueue.yield(.survey(site))
        guard record?.isOwn == true else { return nil }
        return "its keys stay in this home; others may go on showing it"
    }

    private static func roots(of site: Digest256, _ metadata: MetadataConnection) throws -> Set<Digest256> {
        var roots = Set(try metadata.wants(of: site).map(\.root))
        for release in try metadata.releases(of: site) {
            guard let manifest = try metadata.manifest(of: site, seq: release.seq) else { continue }
            for file in manifest.files { if let root = file.root { roots.insert(root) } }
        }
        return roots
    }

    private func update(
        _ site: Digest256,
        _ body: @escaping @Sendable (inout SiteRecord) -> Void
    ) async throws(NodeError) -> SiteRecord {
        let metadata = context.metadata
        return try await context.blocking.run {
            try metadata.write { connection in
                var record = try connection.site(site) ?? SiteRecord(id: site, addedAt: WallClock.seconds)
                body(&record)
                try connection.save(record)
                return record
            }
        }
    }

    // MARK: The owner's

    private func withdraw(_ site: Digest256, _ sequence: UInt64?) async throws(NodeError) -> String? {
        let feed = try await ownFeed(site)
        let keys = try await siteKeys(site, feed.state.writer)
        var number: Int64?
        if let sequence {
            guard let seq = Int64(exactly: sequence) else {
                throw NodeError(.notFound, "there is no release \(sequence)", remedy: "See `roost site releases`.")
            }
            number = seq
        }
        _ = try await writer.withdraw(number, from: site, signer: keys.signing, pointers: keys.pointers)
        return nil
    }

    private func rotate(_ site: Digest256) async throws(NodeError) -> String? {
        let feed = try await ownFeed(site)
        let (keys, current) = (context.keys, feed.state.writer)
        let before = try await siteKeys(site, current)
        let rotation = try await context.blocking.run { try keys.prepareRotation(of: site, writer: current) }
        // The key given up still points to the site for as long as this home has it.
        let changed = try await writer.rotate(
            site,
            to: rotation.signer,
            following: rotation.successor.nextCommitment,
            pointers: before.pointers.isEmpty ? [before.signing] : before.pointers
        )
        _ = try await siteKeys(site, changed.state.writer)
        return nil
    }

    private func recover(_ site: Digest256, _ kit: String) async throws(NodeError) -> String? {
        // What a thief has written must be known to be superseded.
        let known = try await sites.feed(of: site)
        let found = try? await sites.refresh(.site(site), within: .seconds(10)).feed
        guard let feed = found ?? known else {
            throw NodeError(
                .unavailable,
                "the history of the site is not here, and nobody was found who has it",
                remedy: "Try again when a holder of the site can be reached."
            )
        }
        let (keys, state) = (context.keys, feed.state)
        let recovery = try await context.blocking.run {
            try keys.prepareRecovery(of: site, kit: kit, commitment: state.recovery, writer: state.writer)
        }
        let changed = try await writer.recover(
            site,
            with: recovery.signer,
            writer: recovery.successor.signing,
            next: recovery.successor.nextCommitment,
            recovery: recovery.recoveryCommitment
        ) { connection, _ in
            var record = try connection.site(site) ?? SiteRecord(id: site, addedAt: WallClock.seconds)
            record.isOwn = true
            record.key = state.siteKey
            try connection.save(record)
        }
        _ = try await siteKeys(site, changed.state.writer)
        try await held.survey(site)
        return """
            the old recovery kit is spent; the new one is in \(recovery.kitPath): print it or move it away from this \
            machine
            """
    }

    private func ownFeed(_ site: Digest256) async throws(NodeError) -> SiteFeed {
        if let feed = try await sites.feed(of: site) { return feed }
        throw NodeError(.noInput, "the site is not known here", remedy: "See `roost site list`.")
    }

    private func siteKeys(_ site: Digest256, _ writer: PublicKey) async throws(NodeError) -> SiteKeys {
        let keys = context.keys
        return try await context.blocking.run { try keys.siteKeys(for: site, writer: writer) }
    }
}
