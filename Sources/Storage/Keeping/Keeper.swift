// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
public import Wire

/// Keeps what is read within its quota: notes what is wanted, and removes what has been unwanted longest.
///
/// Blocks on the disk; see ``Eviction`` for the rule.
public final class Keeper: Sendable {
    fileprivate struct Want: Hashable {
        var root: Digest256
        var site: Digest256
    }

    /// Seconds for which a file that nothing refers to is kept: what fetched it may not have noted so yet.
    public static let orphanAge: Int64 = 3600

    /// Wants that are noted and not written down yet. Files wanted beyond that before the next flush count as wanted when
    /// they were the last time.
    public static let maximumUnwritten = 65_536

    fileprivate let content: ContentStore
    fileprivate let metadata: MetadataStore
    /// Wants since the last flush: a page asks for dozens of files, and one transaction takes them all.
    fileprivate let wants = Mutex<[Want: WantRecord]>([:])

    /// Over the store and the records of one home, of which it is to be the only keeper.
    public init(content: ContentStore, metadata: MetadataStore) {
        self.content = content
        self.metadata = metadata
    }

    /// Notes that a file was asked for. Does not block: ``flush()`` writes it down.
    public func wanted(_ record: WantRecord) {
        let want = Want(root: record.root, site: record.site)
        wants.withLock { wants in
            if wants.count < Self.maximumUnwritten || wants[want] != nil { wants[want] = record }
        }
    }

    /// How many wants wait to be written down.
    public var unwritten: Int { wants.withLock { $0.count } }

    /// Writes down what was wanted since the last call; to be called every few seconds.
    public func flush() throws(MetadataError) {
        let records = wants.withLock { wants -> [WantRecord] in
            defer { wants = [:] }
            return Array(wants.values)
        }
        if !records.isEmpty { try metadata.write { try $0.save(records) } }
    }

    /// What is held, and what of it counts against the quota.
    ///
    /// `inUse` are roots that are being read or downloaded now. `now` is in seconds since 1970: what nothing refers to
    /// counts as orphaned after ``orphanAge``.
    public func holdings(inUse: Set<Digest256> = [], now: Int64) throws -> [Eviction.Holding] {
        try flush()
        let (own, wants) = try metadata.read { metadata in
            (try Self.protectedRoots(metadata), try metadata.wants())
        }
        var wantedAt: [Digest256: Int64] = [:]
        for want in wants { wantedAt[want.root] = max(wantedAt[want.root] ?? 0, want.wantedAt) }
        var holdings: [Eviction.Holding] = []
        let add = { (key: ContentKey, bytes: Int64, changedAt: Int64) in
            guard case .file(let root) = key else {
                // Files of plain torrents were asked for by name and go with their torrent.
                holdings.append(Eviction.Holding(key: key, bytes: bytes, wantedAt: changedAt, isProtected: true))
                return
            }
            let orphanedAt = changedAt < now - Self.orphanAge ? 0 : changedAt
            holdings.append(
                Eviction.Holding(
                    key: key,
                    bytes: bytes,
                    wantedAt: wantedAt[root] ?? orphanedAt,
                    isProtected: own.roots.contains(root) || inUse.contains(root)
                        || own.isPartial && wantedAt[root] == nil
                )
            )
        }
        try content.forEachDatedFile { key, length, changedAt in add(key, length, changedAt) }
        try content.forEachPartialFile { key, bytes in add(key, bytes, now) }
        return holdings
    }

    /// Removes what goes beyond `quota` bytes. Returns the decision that was carried out.
    @discardableResult
    public func enforce(quota: Int64, inUse: Set<Digest256> = [], now: Int64) throws -> Eviction {
        let eviction = Eviction(of: try holdings(inUse: inUse, now: now), quota: quota)
        let removed = try content.removeUnlessLeased(eviction.victims).compactMap { key -> Digest256? in
            guard case .file(let root) = key else { return nil }
            return root
        }
        if !removed.isEmpty { try metadata.write { for root in removed { try $0.removeWants(of: root) } } }
        return eviction
    }

    /// Lets go of the parts of what is neither own nor pinned that are not in this node's share, where the file was last
    /// asked for before `time`, in seconds since 1970. Returns of how many files something went.
    @discardableResult
    public func thin(to share: KeptShare, unwantedSince time: Int64, now: Int64) throws -> Int {
        if share.isEverything { return 0 }
        var thinned = 0
        var gone: [Digest256] = []
        for holding in try holdings(now: now) where !holding.isProtected && 1..<time ~= holding.wantedAt {
            guard case .file(let root) = holding.key, try content.thin(root, to: share) else { continue }
            thinned += 1
            if !content.contains(holding.key), !content.hasBegun(holding.key) { gone.append(root) }
        }
        if !gone.isEmpty { try metadata.write { for root in gone { try $0.removeWants(of: root) } } }
        return thinned
    }

    /// The files of every release of own and pinned sites; and whether what nothing names may be one of them, as nobody can
    /// tell of a release of an own site which files it has.
    private static func protectedRoots(
        _ metadata: MetadataConnection
    ) throws -> (roots: Set<Digest256>, isPartial: Bool) {
        var roots: Set<Digest256> = []
        var isPartial = false
        for site in try metadata.sites() where site.isOwn || site.isPinned {
            let releases = try metadata.releases(of: site.id)
            if site.isOwn, releases.isEmpty { isPartial = true }
            for release in releases {
                guard let manifest = try metadata.manifest(of: site.id, seq: release.seq) else {
                    if site.isOwn { isPartial = true }
                    continue
                }
                for file in manifest.files { if let root = file.root { roots.insert(root) } }
            }
            for want in try metadata.wants(of: site.id) { roots.insert(want.root) }
        }
        return (roots, isPartial)
    }
}

extension Keeper {
    /// Removes those of `roots` that no site has or wants any more, unless they are leased. Returns how many went.
    @discardableResult
    public func drop(_ roots: Set<Digest256>) throws -> Int {
        try flush()
        let needed = try metadata.read { metadata in
            var needed = Set(try metadata.wants().map(\.root))
            for site in try metadata.sites() {
                for release in try metadata.releases(of: site.id) {
                    guard let manifest = try metadata.manifest(of: site.id, seq: release.seq) else { continue }
                    for file in manifest.files { if let root = file.root { needed.insert(root) } }
                }
            }
            return needed
        }
        return try content.removeUnlessLeased(roots.subtracting(needed).map { .file(root: $0) }).count
    }

    /// Forgets what was wanted of a site and is not written down yet.
    public func forget(_ site: Digest256) {
        wants.withLock { wants in wants = wants.filter { $0.key.site != site } }
    }
}
