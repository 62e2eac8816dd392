// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Feeds
internal import Storage
internal import Wire

extension SiteService {
    /// How many nodes a walk asks for at a time, over all connections.
    private static let window = 64

    /// What stands at `path` of a release; nil where it has nothing there.
    ///
    /// Nodes that are not here are asked from holders along the path, checked and kept. Throws `.unavailable` where
    /// nobody has them, or `mayUseNetwork` is false; `.badData` for a directory that contradicts itself.
    func lookup(
        _ path: [String],
        in release: SiteRelease,
        mayUseNetwork: Bool = true,
        peers: [Endpoint] = [],
        trace: SiteTrace = SiteTrace()
    ) async throws(NodeError) -> DirectoryEntry.Content? {
        var lookup = DirectoryLookup(folder: release.release.directory, path: path)
        while true {
            lookup = try await advance(lookup, site: release.site)
            switch lookup.step {
            case .found(let content): return content
            case .absent: return nil
            case .failed(let error): throw Self.damaged(error)
            case .needs(let hash):
                guard mayUseNetwork else { throw Self.notHere }
                let command = SiteCommand.path(node: hash, path: lookup.remaining)
                let nodes = try await fetch(command, of: release.site, peers: peers, trace: trace)
                try await keep(nodes, of: release.site)
                for node in nodes where lookup.step == .needs(node.hash) { try? lookup.receive(node.bytes) }
            }
        }
    }

    /// The names in one folder of a release, in order.
    func entries(
        of folder: Digest256,
        site: Digest256,
        mayUseNetwork: Bool = true,
        peers: [Endpoint] = []
    ) async throws(NodeError) -> [DirectoryEntry] {
        var entries: [DirectoryEntry] = []
        let walk = DirectoryWalk(folder: folder, isRecursive: false)
        try await self.walk(walk, site: site, mayUseNetwork: mayUseNetwork, peers: peers, trace: SiteTrace()) { item in
            if let name = item.path.last { entries.append(DirectoryEntry(name: name, content: item.content)) }
        }
        return entries
    }

    /// All files of a release, in the order of its torrents; kept, so that next time nobody is asked.
    ///
    /// Only nodes that are not here are asked for: an update costs what has changed. Throws as ``lookup`` does, and
    /// `.badData` where the files are not those that the release claims.
    func manifest(
        of release: SiteRelease,
        mayUseNetwork: Bool = true,
        peers: [Endpoint] = [],
        trace: SiteTrace = SiteTrace()
    ) async throws(NodeError) -> ReleaseManifest {
        let metadata = context.metadata
        let (site, seq) = (release.site, release.release.seq)
        let stored = try await context.blocking.run { try metadata.read { try $0.soundManifest(of: site, seq: seq) } }
        if let stored { return stored }
        var files: [ReleaseManifest.File] = []
        let walk = DirectoryWalk(folder: release.release.directory, isRecursive: true)
        try await self.walk(walk, site: site, mayUseNetwork: mayUseNetwork, peers: peers, trace: trace) { item in
            guard case .file(let file) = item.content else { return }
            files.append(
                ReleaseManifest.File(
                    path: item.path,
                    length: file.length,
                    root: file.root,
                    isExecutable: file.isExecutable
                )
            )
        }
        return try await keep(files, as: release)
    }

    private func keep(
        _ files: [ReleaseManifest.File],
        as release: SiteRelease
    ) async throws(NodeError) -> ReleaseManifest {
        let metadata = context.metadata
        return try await context.blocking.run {
            let sorted = files.sorted { TorrentEntry.precedes($0.path, $1.path) }
            let manifest = ReleaseManifest(files: sorted)
            let tree = try SiteTree(manifest: manifest, pieceLength: release.release.pieceLength)
            guard sorted.count == release.release.files, tree.bytes == release.release.bytes,
                tree.pieceCount == release.release.pieces
            else {
                throw NodeError(
                    .badData,
                    "the directory lists other files than the release claims",
                    remedy: "The release is broken; tell its publisher."
                )
            }
            try metadata.write { try $0.save(release.record, manifest: manifest) }
            return manifest
        }
    }

    /// A release of so many files has its directory made ready: that takes seconds, and who asks for it waits ten.
    private static let largeRelease = 10_000

    /// Has the directories of large releases at hand before somebody asks for them, one after the other. Once made they are in
    /// the database, so that the next start finds them.
    func prepareDirectories() async {
        let directories = directories
        for site in heldSites().keys {
            guard let release = (try? await feed(of: site))?.state.newest?.release, release.files >= Self.largeRelease,
                !Task.isCancelled
            else { continue }
            _ = try? await context.blocking.run { try directories.node(release.directory, site: site) }
        }
    }

    // MARK: Nodes

    /// Goes on with the nodes that are here.
    private func advance(_ lookup: DirectoryLookup, site: Digest256) async throws(NodeError) -> DirectoryLookup {
        let directories = directories
        return try await context.blocking.run {
            var lookup = lookup
            while case .needs(let hash) = lookup.step, let bytes = try directories.node(hash, site: site) {
                try lookup.receive(bytes)
            }
            return lookup
        }
    }

    private struct Stride: Sendable {
        var walk: DirectoryWalk
        var items: [DirectoryWalk.Item]
        var missing: [Digest256]
    }

    private func walk(
        _ walk: DirectoryWalk,
        site: Digest256,
        mayUseNetwork: Bool,
        peers: [Endpoint],
        trace: SiteTrace,
        _ take: (DirectoryWalk.Item) -> Void
    ) async throws(NodeError) {
        let directories = directories
        var walk = walk
        while walk.needed != nil {
            let before = walk
            let stride = try await context.blocking.run {
                var stride = Stride(walk: before, items: [], missing: [])
                while let hash = stride.walk.needed, let bytes = try directories.node(hash, site: site) {
                    stride.items += try stride.walk.receive(bytes)
                }
                for hash in stride.walk.upcoming(Self.window) where try directories.node(hash, site: site) == nil {
                    stride.missing.append(hash)
                }
                return stride
            }
            stride.items.forEach(take)
            walk = stride.walk
            if stride.missing.isEmpty { continue }
            guard mayUseNetwork else { throw Self.notHere }
            try await fetch(stride.missing, of: site, peers: peers, trace: trace)
        }
        if let failure = walk.failure { throw Self.damaged(failure) }
    }

    private static let notHere = NodeError(
        .unavailable,
        "this part of the site's directory is not here",
        remedy: "Open the page itself: peers are asked only for what its reader opened."
    )

    private static func damaged(_ error: DirectoryError) -> NodeError {
        NodeError(
            .badData,
            "the release's directory is broken: \(error)",
            remedy: "Nothing can be read from it; tell its publisher."
        )
    }
}
