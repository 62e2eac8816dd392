// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
public import Wire

/// What makes files go, and who is told that they went.
extension ContentStore {
    /// Lets go of a file, complete or not. Reads under way finish.
    public func remove(_ key: ContentKey) throws(StorageError) { try remove([key]) }

    /// Lets go of files, complete or not, and gives their bytes back to the disk. Reads under way finish.
    public func remove(_ keys: [ContentKey]) throws(StorageError) {
        try atCheckpoint { () throws(StorageError) in
            var hasPacked = false
            defer { if hasPacked { reclaim() } }
            for key in keys where try removeNow(key) { hasPacked = true }
        }
    }

    /// As ``remove(_:)-(ContentKey)``, unless someone holds a lease on a file. Returns those that are gone.
    func removeUnlessLeased(_ keys: [ContentKey]) throws(StorageError) -> [ContentKey] {
        var gone: [ContentKey] = []
        try atCheckpoint { () throws(StorageError) in
            var hasPacked = false
            defer { if hasPacked { reclaim() } }
            for key in keys {
                let isGone = try leases.ifFree(key) { () throws(StorageError) in
                    if try removeNow(key) { hasPacked = true }
                }
                if isGone { gone.append(key) }
            }
        }
        return gone
    }

    /// Returns whether it was in a pack.
    private func removeNow(_ key: ContentKey) throws(StorageError) -> Bool {
        let wasHere = contains(key) || hasBegun(key)
        defer { if wasHere { losses.lost(key) } }
        partials.withLock { _ = $0.removeValue(forKey: key) }
        for path in [path(of: key), partialPath(of: key)] {
            files.forget(path)
            try Disk.remove(path)
        }
        try Disk.remove(partialPath(of: key) + PartialFile.recordSuffix)
        guard case .file(let root) = key else { return false }
        return try packs.remove(root)
    }

    /// Has packs that are not whole written anew; ``damagedPacks`` counts those afterwards for which there was no space, or
    /// that cannot be read at all, and ``cutPacks`` none.
    public func mendPacks() throws(StorageError) {
        try atCheckpoint { () throws(StorageError) in reclaim() }
        packs.forgetFaults()
    }

    /// That space does not come back now is no failure of what was asked for: the next one tries again.
    private func reclaim() {
        let damaged = (try? packs.reclaim()) ?? []
        for root in damaged { losses.lost(.file(root: root)) }
    }

    /// Keeps the files, held already or coming, from being evicted for as long as the lease lives.
    public func lease(_ roots: [Digest256]) -> ContentLease { ContentLease(roots, in: leases) }

    /// Takes a complete file whose bytes are wrong out of service; it is kept under `quarantine/` for a person to see.
    public func quarantine(_ key: ContentKey) throws(StorageError) {
        if case .file(let root) = key, packs.currentLength(of: root) != nil { return try quarantinePacked(root) }
        let path = path(of: key)
        do throws(StorageError) {
            try Disk.rename(path, to: "\(home.quarantine)/\(key.name)")
        } catch .notFound {}
        files.forget(path)
        losses.lost(key)
    }

    private func quarantinePacked(_ root: Digest256) throws(StorageError) {
        let key = ContentKey.file(root: root)
        // What cannot be read leaves nothing to look at.
        if let length = packs.currentLength(of: root), let bytes = try? read(key, at: 0, count: Int(length)) {
            try Disk.write(bytes, durablyTo: "\(home.quarantine)/\(key.name)")
        }
        // Where its mark cannot be written it is found damaged again by the next who looks after a restart.
        _ = try? packs.remove(root)
        losses.lost(key)
    }

    /// Calls `observer` whenever a file, or a part of one, is held no longer, or again after that; from any thread, and
    /// perhaps before the call that caused it returns. It must not block, and is called for as long as the store lives.
    public func observeLosses(_ observer: @escaping @Sendable (ContentKey) -> Void) { losses.observe(observer) }

    /// How often a file, or a part of one, was held no longer since the store was opened: who has looked what is held, and
    /// finds another number afterwards, looks again.
    public var lossCount: UInt64 { losses.count }

    /// Says that a file which was held is not there: it went by other means than the store's. Tells the observers.
    public func noteMissing(_ key: ContentKey) {
        files.forget(path(of: key))
        losses.lost(key)
    }

    /// Stops counting a range of a file whose bytes turned out to be wrong: a complete file is taken out of service.
    public func markDamaged(_ key: ContentKey, range: Range<Int64>) throws(StorageError) {
        if case .file(let root) = key, packs.currentLength(of: root) != nil { return try quarantine(key) }
        if contains(key) { return try quarantine(key) }
        guard let partial = partials.withLock({ $0[key] }) else { return }
        defer { losses.lost(key) }
        try atCheckpoint { () throws(StorageError) in try partial.markDamaged(range) }
    }
}
