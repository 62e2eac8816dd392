// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Feeds
internal import Keys
internal import Logging
internal import Storage
internal import Synchronization
internal import Wire

/// Makes folders releases of own sites.
///
///     folder ── PublishPass ──▶ files in the content store ── one transaction ──▶ feed, release, site
///
/// Before the transaction nothing refers to the files, and a crash leaves at most content that the keeper removes
/// within hours; after it the release is published, whatever happens. One publish of a site or a folder at a time.
final class Publisher: Sendable {
    let context: NodeContext
    let sites: SiteService
    let held: HeldReleases
    private let writer: FeedWriter
    let begun: BegunSites
    /// Folders and sites that are being published now.
    private let busy = Mutex<Set<String>>([])

    init(context: NodeContext, sites: SiteService, swarms: SwarmService) {
        self.context = context
        self.sites = sites
        held = HeldReleases(context: context, sites: sites, swarms: swarms)
        writer = FeedWriter(service: sites)
        begun = BegunSites(context: context)
    }

    /// Removes what a crash left of sites that never came to be. Once, when the node starts.
    func clearUnfinished() async {
        let begun = begun
        do {
            try await context.blocking.run { _ = try begun.clear() }
        } catch {
            context.logger.warning("keys of an unfinished site stay", metadata: ["error": "\(error.message)"])
        }
    }

    /// Publishes a folder. Durable when it returns; announced in the background.
    ///
    /// A folder that is as the newest release has it is refused, unless a label or a message is given.
    func publish(
        _ request: PublishRequest,
        names: GatewayNames,
        report: @escaping LongWork.Report
    ) async throws(NodeError) -> PublishResult {
        let start = ContinuousClock.now
        let (folder, target) = try await resolve(request)
        return try await exclusively(folder, target) { () async throws(NodeError) in
            let owner = try await owner(of: target)
            let endorser = try await endorser(request.by, of: owner?.feed)
            let configuration = context.configuration
            let draft = try Draft(
                request,
                endorser: endorser,
                folder: folder,
                after: owner?.feed,
                sources: (configuration.trackers, configuration.webSeeds)
            )
            let tree = try await snapshot(folder, report: report)
            // Held from here on only by what the transaction writes.
            defer { tree.lease.end() }
            try draft.check(tree, against: owner?.feed)
            guard !Task.isCancelled else { throw NodeError(unexpected: CancellationError()) }
            let (feed, kit) = try await commit(tree, draft, owner, endorser)
            await finish(tree, feed, folder)
            var result = Self.result(tree, feed, names: names)
            result.seconds = (ContinuousClock.now - start).seconds
            result.recoveryKit = kit
            return result
        }
    }

    // MARK: Which site

    private func resolve(_ request: PublishRequest) async throws(NodeError) -> (SourceFolder, PublishTarget) {
        let site = try request.site.map(Self.site)
        let context = context
        return try await context.blocking.run {
            let folder: SourceFolder
            do throws(PublishError) { folder = try SourceFolder(request.directory) } catch { throw NodeError(error) }
            let situation = try Self.situation(of: folder, context)
            return (folder, try PublishTarget.decide(site: site, new: request.new, situation))
        }
    }

    private static func site(_ text: String) throws(NodeError) -> Digest256 {
        switch try SiteLink(parsing: text).address {
        case .site(let site): return site
        case .key(let key, let salt) where salt.isEmpty: return key.identifier
        case .key, .tree:
            throw NodeError(
                .usage,
                "'\(text.prefix(120))' is no site",
                remedy: "Give --site betanet://… of an own site."
            )
        }
    }

    private static func situation(
        of folder: SourceFolder,
        _ context: NodeContext
    ) throws -> PublishTarget.Situation {
        let records = try context.metadata.read { try $0.sites() }.filter(\.isOwn)
        let keys = context.keys
        var situation = PublishTarget.Situation(
            folder: folder.path,
            marker: folder.marker,
            publishedFrom: records.filter { $0.folder == folder.path }.map(\.id),
            hasKeys: { keys.hasSite($0) }
        )
        guard case .site(let marked) = situation.marker else { return situation }
        if let other = records.first(where: { $0.id == marked })?.folder, other != folder.path {
            situation.otherFolder = other
            situation.isCopied = (try? SourceFolder(other))?.marker == .site(marked)
        }
        return situation
    }

    private func exclusively<Value: Sendable>(
        _ folder: SourceFolder,
        _ target: PublishTarget,
        _ body: () async throws(NodeError) -> Value
    ) async throws(NodeError) -> Value {
        var names = [folder.path]
        if case .existing(let site) = target { names.append(site.hex) }
        let isFree = busy.withLock { busy in
            guard busy.isDisjoint(with: names) else { return false }
            busy.formUnion(names)
            return true
        }
        guard isFree else {
            throw NodeError(.busy, "this site is being published already", remedy: "Wait until that is done.")
        }
        defer { busy.withLock { $0.subtract(names) } }
        return try await body()
    }

    // MARK: Steps

    /// Who publishes to a site that there is already.
    struct Owner: Sendable {
        var keys: SiteKeys
        var feed: SiteFeed
    }

    private func owner(of target: PublishTarget) async throws(NodeError) -> Owner? {
        guard case .existing(let site) = target else { return nil }
        let feed: SiteFeed
        if let known = try await sites.feed(of: site) {
            feed = known
        } else {
            // Keys that came from another home, or whose database was lost.
            feed = try await history(of: site)
        }
        let keys = context.keys
        let writer = feed.state.writer
        return Owner(
            keys: try await context.blocking.run { try keys.siteKeys(for: site, writer: writer) },
            feed: feed
        )
    }

    /// From a holder. Without it no release can be signed that would not contradict those there are.
    private func history(of site: Digest256) async throws(NodeError) -> SiteFeed {
        var found: SiteFeed?
        do throws(NodeError) { found = try await sites.refresh(.site(site)).feed } catch {
            guard error.kind == .unavailable else { throw error }
        }
        guard let found else {
            throw NodeError(
                .unavailable,
                "the keys of betanet://\(site.hex) are here, but its history is not, and no holder was found",
                remedy:
                    "Restore metadata.sqlite from a copy of the home, try again when a holder can be reached, or publish "
                    + "the folder as a new site with --new."
            )
        }
        return found
    }

    /// The identity that is to endorse the site; nil where none is asked for or it does so already.
    private func endorser(_ name: String?, of feed: SiteFeed?) async throws(NodeError) -> String? {
        guard let name else { return nil }
        let keys = context.keys
        return try await context.blocking.run {
            let identity = try keys.knownIdentity(name)
            let isThere = feed.map { keys.endorsers(of: $0.state).contains { $0.id == identity.identity.id } } ?? false
            return isThere ? nil : name
        }
    }

    private func snapshot(
        _ folder: SourceFolder,
        report: @escaping LongWork.Report
    ) async throws(NodeError) -> PublishedTree {
        let content = context.content
        return try await LongWork.run(on: context.blocking, report: report) { work in
            var options = PublishOptions()
            options.isCancelled = { work.isCancelled }
            options.report = { work.progress($0.rawValue, $1, $2) }
            do throws(PublishError) {
                return try PublishPass.run(folder: folder.path, into: content, options: options)
            } catch {
                throw NodeError(error)
            }
        }
    }

    private func commit(
        _ tree: PublishedTree,
        _ draft: Draft,
        _ owner: Owner?,
        _ endorser: String?
    ) async throws(NodeError) -> (SiteFeed, kit: String?) {
        let release: @Sendable (Int64) throws -> Release = { try draft.release(of: tree, seq: $0) }
        let recording: FeedWriter.Recording = { try draft.record(tree, in: $0, feed: $1) }
        let begun = begun
        if let owner {
            let endorsement = try await endorsement(of: owner.feed.site, by: endorser, owner.feed.state.writer)
            let feed = try await writer.append(
                to: owner.feed.site,
                signer: owner.keys.signing,
                pointers: owner.keys.pointers,
                endorsement: endorsement,
                release: release,
                recording: recording
            )
            return (feed, nil)
        }
        let site = try await context.blocking.run { try begun.create() }
        do throws(NodeError) {
            let endorsement = try await endorsement(of: site.keys.site, by: endorser, site.keys.signing.publicKey)
            let feed = try await writer.create(
                key: site.keys.signing,
                next: site.keys.nextCommitment,
                recovery: site.recoveryCommitment,
                endorsement: endorsement,
                first: release,
                recording: recording
            )
            return (feed, site.kitPath)
        } catch {
            try? await context.blocking.run { try begun.discard(site.keys.site) }
            throw error
        }
    }

    private func endorsement(
        of site: Digest256,
        by identity: String?,
        _ writer: PublicKey
    ) async throws(NodeError) -> Endorsement? {
        guard let identity else { return nil }
        let keys = context.keys
        return try await context.blocking.run { try keys.endorse(site: site, by: identity, writer: writer) }
    }

    /// What follows the transaction: nothing of it can unpublish the release.
    private func finish(_ tree: PublishedTree, _ feed: SiteFeed, _ folder: SourceFolder) async {
        do {
            try await context.blocking.run { try folder.mark(feed.site) }
        } catch {
            context.logger.warning("the folder could not be marked", metadata: ["error": "\(error.message)"])
        }
        guard let release = feed.state.releases.last?.release else { return }
        do {
            try await held.add(SiteRelease(site: feed.site, release: release).record)
        } catch {
            context.logger.error("a release is not served yet", metadata: ["error": "\(error.message)"])
        }
    }

    private static func result(_ tree: PublishedTree, _ feed: SiteFeed, names: GatewayNames) -> PublishResult {
        let release = feed.state.releases.last?.release
        return PublishResult(
            site: SiteAddress.site(feed.site).text,
            key: feed.state.siteKey.hex,
            magnet: SiteAddress.key(feed.state.siteKey, salt: []).text,
            v1: tree.hashes.v1?.hex ?? "",
            v2: tree.hashes.v2?.hex ?? "",
            seq: UInt64(clamping: release?.seq ?? 0),
            label: release?.label ?? "",
            files: tree.tree.manifest.files.count,
            bytes: tree.bytes,
            skipped: tree.skipped.map { PublishResult.Skipped(path: $0.path, why: $0.why) },
            gateway: names.url(of: feed.site),
            added: tree.added,
            seconds: 0
        )
    }
}

extension Duration {
    /// As seconds with a fraction.
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
