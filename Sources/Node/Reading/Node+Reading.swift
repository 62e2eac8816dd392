// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Storage
public import Wire

extension Node: ReleaseReading {
    /// Whether the user named the site before: opened, fetched, published or pinned it.
    public func isKnown(site: Digest256) async -> Bool {
        // An unreadable database answers no: the user is asked once more.
        guard let record = try? await record(of: site) else { return false }
        return record.openedAt > 0 || record.isOwn || record.isPinned
    }

    /// Remembers that the user wants the site. Throws `.denied` where a rule forbids it.
    public func welcome(site: Digest256) async throws(NodeError) {
        try await welcome(.site(site))
    }

    /// Remembers that the user wants a site, with all that the link says of it.
    func welcome(_ address: SiteAddress) async throws(NodeError) {
        try refuseDenied(address)
        let metadata = context.metadata
        try await context.blocking.run {
            try metadata.write { connection in
                let now = WallClock.seconds
                var record = try connection.site(address.id) ?? SiteRecord(id: address.id, addedAt: now)
                record.openedAt = now
                if case .key(let key, let salt) = address {
                    record.key = key
                    record.salt = salt
                }
                try connection.save(record)
            }
        }
    }

    func refuseDenied(_ address: SiteAddress) throws(NodeError) {
        if let rule = context.admission.denial(of: address.subject) { throw NodeError(rule) }
    }

    /// The release that `selector` names, from what is here and, where allowed, from a search.
    public func release(
        of site: Digest256,
        _ selector: ReleaseSelector,
        mayUseNetwork: Bool
    ) async throws(NodeError) -> ReleaseReference {
        try refuseDenied(.site(site))
        switch try await source(of: site, mayUseNetwork: mayUseNetwork) {
        case .feed(let feed):
            let release = try Self.select(selector, in: feed.state)
            return ReleaseReference(site: site.hex, sequence: UInt64(release.seq), label: release.label)
        case .tree(let tree):
            return ReleaseReference(site: site.hex, sequence: UInt64(clamping: tree.sequence), label: "")
        }
    }

    /// The release that is meant; throws `.withdrawn` and `.notFound` as they say.
    static func select(_ selector: ReleaseSelector, in state: FeedState) throws(NodeError) -> Release {
        let found =
            switch selector {
            case .newest: state.newest ?? state.releases.last
            case .sequence(let number): Int64(exactly: number).flatMap { state.release(seq: $0) }
            case .label(let label): state.release(label: label)
            }
        guard let found else {
            throw NodeError(
                .notFound,
                "the site has no such release",
                remedy: "`roost site releases` lists those it has."
            )
        }
        guard found.withdrawal == nil else {
            throw NodeError(
                .withdrawn,
                "release \(found.release.seq) (\(found.release.label)) was withdrawn by its owner",
                remedy: "Open another release; `roost site releases` lists them."
            )
        }
        return found.release
    }

    /// What stands at `path`, proved by the release's directory or its file tree.
    public func entry(
        at path: [String],
        in reference: ReleaseReference,
        mayUseNetwork: Bool
    ) async throws(NodeError) -> ReleaseEntry? {
        switch try await pinned(reference, mayUseNetwork: mayUseNetwork) {
        case .release(let release):
            let found = try await sites.lookup(path, in: release, mayUseNetwork: mayUseNetwork)
            switch found {
            case nil: return nil
            case .file(let file):
                places.remember(file, at: path, in: reference)
                return .file(
                    ReleaseFile(path: path, length: file.length, contentHash: file.root?.hex ?? Self.emptyHash)
                )
            case .folder(let folder):
                let entries = try await sites.entries(of: folder, site: release.site, mayUseNetwork: mayUseNetwork)
                return .folder(entries.map(Self.listed))
            }
        case .tree(let tree): return try await entry(at: path, of: tree, mayUseNetwork: mayUseNetwork)
        }
    }

    private static func listed(_ entry: DirectoryEntry) -> String {
        if case .folder = entry.content { return entry.name + "/" }
        return entry.name
    }

    /// SHA-256 of nothing: the `ETag` of files of no bytes, which have no root.
    private static let emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    /// Verified bytes, from the store or from peers.
    public func read(
        _ file: ReleaseFile,
        in reference: ReleaseReference,
        from offset: Int64,
        count: Int,
        mayUseNetwork: Bool
    ) async throws(NodeError) -> [UInt8] {
        switch try await pinned(reference, mayUseNetwork: mayUseNetwork) {
        case .release(let release):
            let place = try await place(of: file, in: reference, release, mayUseNetwork: mayUseNetwork)
            let (sites, content) = (sites, context.content)
            let bytes = try await swarms.read(
                place,
                of: release,
                at: offset,
                count: count,
                peers: {
                    // Peers are needed for a release that was here whole: its file went behind the store's back.
                    let wasHeld = sites.heldReleases(of: release.site).contains(release.release.seq)
                    if wasHeld, let root = place.root { content.noteMissing(.file(root: root)) }
                    return KnownPeers(
                        whole: sites.wholeHolders(of: release),
                        holders: sites.holders(of: release.site),
                        sources: SourceHints(release.release)
                    )
                },
                mayUseNetwork: mayUseNetwork
            )
            if mayUseNetwork { await keeping.sharesRead(release.site) }
            return bytes
        case .tree(let tree):
            return try await read(file, of: tree, from: offset, count: count, mayUseNetwork: mayUseNetwork)
        }
    }

    /// Where the torrent has the file; looked up again where it was forgotten.
    private func place(
        of file: ReleaseFile,
        in reference: ReleaseReference,
        _ release: SiteRelease,
        mayUseNetwork: Bool
    ) async throws(NodeError) -> DirectoryFile {
        if let place = places.recall(file.path, in: reference) { return place }
        guard
            case .file(let found)? = try await sites.lookup(file.path, in: release, mayUseNetwork: mayUseNetwork)
        else {
            throw NodeError(.notFound, "the release has no such file", remedy: "Go back to its first page.")
        }
        places.remember(found, at: file.path, in: reference)
        return found
    }
}
