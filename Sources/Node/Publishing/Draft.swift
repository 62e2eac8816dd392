// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Feeds
internal import Storage
internal import Wire

/// A release before its files are hashed: everything that can be refused early has been.
struct Draft: Sendable {
    private let folder: SourceFolder
    private let label: String
    private let message: String
    /// Whether it is wanted even if no file has changed.
    private let isWantedUnchanged: Bool
    private let time: Int64
    private let sources: (trackers: [String], webSeeds: [String])

    /// `endorser` is an identity that does not endorse the site yet; `feed` is that of the site, nil for a new one.
    init(
        _ request: PublishRequest,
        endorser: String? = nil,
        folder: SourceFolder,
        after feed: SiteFeed?,
        sources: (trackers: [String], webSeeds: [String]) = ([], [])
    ) throws(NodeError) {
        self.sources = sources
        self.folder = folder
        label = try ReleaseNaming.label(request.label, after: feed?.state.releases.map(\.release.label) ?? [])
        message = try Self.message(request.message ?? "")
        isWantedUnchanged = request.label != nil || request.message != nil || endorser != nil
        time = WallClock.seconds
    }

    private static func message(_ text: String) throws(NodeError) -> String {
        guard text.utf8.count <= FeedSpecification.messageBytes else {
            throw NodeError(
                .usage,
                "the message has more than \(FeedSpecification.messageBytes) bytes",
                remedy: "Shorten it; a page of the site has room for more."
            )
        }
        guard FreeText.isValid(text, limit: FeedSpecification.messageBytes) else {
            throw NodeError(
                .usage,
                "the message has control characters",
                remedy: "Leave out tabs and escape codes; new lines may stay."
            )
        }
        return text
    }

    /// Refuses a release that would only repeat the newest one.
    func check(_ tree: PublishedTree, against feed: SiteFeed?) throws(NodeError) {
        guard !isWantedUnchanged, let newest = feed?.state.newest?.release, newest.v2 == tree.hashes.v2 else { return }
        throw NodeError(
            .usage,
            "nothing has changed since release \(newest.seq) (\(newest.label))",
            remedy: "Give --label or --message to release it again all the same."
        )
    }

    func release(of tree: PublishedTree, seq: Int64) throws(NodeError) -> Release {
        guard let v2 = tree.hashes.v2 else {
            throw NodeError(.internal, "a release without an infohash", remedy: "Report this.")
        }
        return Release(
            seq: seq,
            label: label,
            v2: v2,
            v1: tree.hashes.v1,
            directory: tree.directory,
            pieceLength: tree.tree.pieceLength,
            pieces: tree.tree.pieceCount,
            files: tree.tree.manifest.files.count,
            bytes: tree.bytes,
            time: time,
            message: message,
            trackers: sources.trackers,
            webSeeds: sources.webSeeds
        )
    }

    /// Writes down, in the feed's transaction, what goes with its new entry.
    func record(_ tree: PublishedTree, in connection: MetadataConnection, feed: SiteFeed) throws {
        guard let release = feed.state.releases.last?.release, release.v2 == tree.hashes.v2 else {
            throw NodeError(.internal, "a release that is not the feed's last", remedy: "Report this.")
        }
        // A release that came from another home while this one was hashed.
        _ = try ReleaseNaming.label(release.label, after: feed.state.releases.dropLast().map(\.release.label))
        var site = try connection.site(feed.site) ?? SiteRecord(id: feed.site, addedAt: time)
        site.key = feed.state.siteKey
        site.isOwn = true
        site.folder = folder.path
        if site.title.isEmpty { site.title = folder.path.split(separator: "/").last.map(String.init) ?? "" }
        try connection.save(site)
        try BegunSites.finish(feed.site, in: connection)
        try tree.save(as: SiteRelease(site: feed.site, release: release).record, in: connection)
    }
}
