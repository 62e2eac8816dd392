// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Glibc
internal import Synchronization
public import Wire

/// The files that this node holds, each once, by content.
///
/// Complete files stand under `content/`, got there by rename after their bytes were synced, and are never written
/// again; small ones stand in packs, see ``PackStore``. Files being downloaded stand under `partial/` and count block by
/// block. Every call may block on the disk and may come from any thread; none belongs on an event loop.
public final class ContentStore: Sendable {
    let home: Home
    let files: OpenFileCache
    let packs: PackStore
    let leases = ContentLeases()
    private let partials = Mutex<[ContentKey: PartialFile]>([:])
    let losses = ContentLosses()
    /// Held while records are written and files change their place, so that no older record follows a newer one.
    private let checkpoints = Mutex(())

    /// The store of `home`. It keeps `openFiles` descriptors open between calls: 256 of the usual limit of 1024 leaves
    /// room for peers.
    public convenience init(home: Home, openFiles: Int = 256) throws(StorageError) {
        try self.init(home: home, openFiles: openFiles, packBytes: PackFile.fullBytes)
    }

    /// `packBytes`: beyond how many bytes another pack is begun; fewer than the usual only where packs are tried.
    package init(home: Home, openFiles: Int, packBytes: Int64) throws(StorageError) {
        self.home = home
        files = OpenFileCache(capacity: openFiles)
        try home.prepare()
        packs = try PackStore(folder: home.packs, files: files, fullBytes: packBytes)
        try removeStrayRecords()
    }

    func path(of key: ContentKey) -> String {
        switch key {
        case .file: "\(home.content)/\(key.folder)/\(key.name)"
        case .v1(_, let file): "\(home.content)/\(key.folder)/\(file)"
        }
    }

    func partialPath(of key: ContentKey) -> String { "\(home.partial)/\(key.name)" }

    // MARK: Reading

    /// Whether the whole file is held and promoted.
    public func contains(_ key: ContentKey) -> Bool { packedLength(of: key) != nil || Disk.exists(path(of: key)) }

    /// Whether bytes of the file are held, but not all of them, or not durably.
    public func hasBegun(_ key: ContentKey) -> Bool {
        if case .file(let root) = key, packs.currentLength(of: root) != nil { return packedLength(of: key) == nil }
        return Disk.exists(partialPath(of: key))
    }

    /// The length of a complete file; nil where it is not complete.
    public func length(of key: ContentKey) -> Int64? {
        packedLength(of: key) ?? (try? Disk.status(of: path(of: key)).length)
    }

    private func packedLength(of key: ContentKey) -> Int64? {
        guard case .file(let root) = key else { return nil }
        return packs.length(of: root)
    }

    /// Fills `buffer` from `offset` of a file that is complete, or verified in that range.
    ///
    /// Fails with ``StorageError/notFound(path:)`` where any byte of the range is not held.
    public func read(
        _ key: ContentKey,
        at offset: Int64,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(StorageError) {
        if let partial = partials.withLock({ $0[key] }) {
            do throws(StorageError) {
                guard unsafe try partial.read(at: offset, into: buffer) == buffer.count else {
                    throw .damaged(path: partial.path)
                }
                return
            } catch .notFound {
                // Not verified in this range, or promoted since: the complete file decides.
            }
        }
        if case .file(let root) = key, unsafe try packs.read(root, at: offset, into: buffer) { return }
        let file = try files.file(at: path(of: key), flags: O_RDONLY | O_NOFOLLOW)
        let (end, overflow) = offset.addingReportingOverflow(Int64(buffer.count))
        guard offset >= 0, !overflow, end <= TorrentSpecification.maximumTotalLength,
            unsafe try file.read(at: offset, into: buffer) == buffer.count
        else {
            throw .outOfRange(length: try file.status().length)
        }
    }

    /// `count` bytes from `offset`; see ``read(_:at:into:)``.
    public func read(_ key: ContentKey, at offset: Int64, count: Int) throws(StorageError) -> [UInt8] {
        var failure: StorageError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: max(0, count)) { buffer, filled in
            do throws(StorageError) {
                let raw = unsafe UnsafeMutableRawBufferPointer(
                    rebasing: UnsafeMutableRawBufferPointer(buffer)[..<count]
                )
                unsafe try read(key, at: offset, into: raw)
                filled = count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// What is verified of a file of `length` bytes: all of it when complete, nothing when the store has none of it.
    public func verified(_ key: ContentKey, length: Int64) throws(StorageError) -> ByteRanges {
        if case .file(let root) = key, let packed = packs.currentLength(of: root) {
            return packed == length ? ByteRanges(0..<length) : ByteRanges()
        }
        if self.length(of: key) == length { return ByteRanges(0..<length) }
        if let partial = partials.withLock({ $0[key] }) {
            return partial.length == length ? partial.verified : ByteRanges()
        }
        guard Disk.exists(partialPath(of: key)) else {
            // A checkpoint may have given it its place since the first look.
            return self.length(of: key) == length ? ByteRanges(0..<length) : ByteRanges()
        }
        return try partial(key, length: length).verified
    }

    // MARK: Writing

    /// Keeps verified bytes of a file of `length` bytes. Returns whether the file now has all of its bytes.
    ///
    /// They can be read at once; they outlive a crash from the next ``checkpoint()`` on. Bytes of a file that is
    /// complete are dropped.
    @discardableResult
    public func write(
        _ bytes: UnsafeRawBufferPointer,
        to key: ContentKey,
        length: Int64,
        at offset: Int64
    ) throws(StorageError) -> Bool {
        if contains(key) { return true }
        if offset == 0, unsafe try pack(bytes, as: key, length: length) { return true }
        let partial = try partial(key, length: length)
        unsafe try partial.write(bytes, at: offset)
        return partial.isComplete
    }

    /// Takes a small file that came as a whole. Returns false where it is to be written as others are.
    private func pack(
        _ bytes: UnsafeRawBufferPointer,
        as key: ContentKey,
        length: Int64
    ) throws(StorageError) -> Bool {
        guard case .file(let root) = key, Int64(bytes.count) == length, length <= PackRecord.maximumLength,
            partials.withLock({ $0[key] }) == nil, !Disk.exists(partialPath(of: key))
        else { return false }
        return unsafe try packs.append(bytes, root: root, storedAt: Self.now)
    }

    /// Seconds since 1970.
    static var now: Int64 { Int64(time(nil)) }

    /// Keeps verified bytes of a file of `length` bytes.
    @discardableResult
    public func write(
        _ bytes: [UInt8],
        to key: ContentKey,
        length: Int64,
        at offset: Int64
    ) throws(StorageError) -> Bool {
        var outcome: Result<Bool, StorageError> = .success(false)
        unsafe bytes.withUnsafeBytes { buffer in
            do throws(StorageError) {
                outcome = .success(unsafe try write(buffer, to: key, length: length, at: offset))
            } catch {
                outcome = .failure(error)
            }
        }
        return try outcome.get()
    }

    private func partial(_ key: ContentKey, length: Int64) throws(StorageError) -> PartialFile {
        var outcome: Result<PartialFile, StorageError>?
        partials.withLock { partials in
            do throws(StorageError) {
                if let partial = partials[key], partial.length == length {
                    outcome = .success(partial)
                    return
                }
                let partial = try PartialFile(key: key, length: length, path: partialPath(of: key), files: files)
                partials[key] = partial
                outcome = .success(partial)
            } catch {
                outcome = .failure(error)
            }
        }
        guard let outcome else { preconditionFailure("the lock runs its body") }
        return try outcome.get()
    }

    /// Bytes of a partial file as they stand, verified or not: for verifying them again after a crash. Nil where the
    /// store has no such file.
    public func unverifiedBytes(
        _ key: ContentKey,
        length: Int64,
        at offset: Int64,
        count: Int
    ) throws(StorageError) -> [UInt8]? {
        guard Disk.exists(partialPath(of: key)) else { return nil }
        return try files.file(at: partialPath(of: key), flags: O_RDWR | O_NOFOLLOW).read(at: offset, count: count)
    }

    /// Counts bytes read with ``unverifiedBytes(_:length:at:count:)`` whose hash was right.
    public func markVerified(_ key: ContentKey, length: Int64, range: Range<Int64>) throws(StorageError) {
        guard range.lowerBound >= 0, range.upperBound <= length else { throw .outOfRange(length: length) }
        try partial(key, length: length).markVerified(range)
    }

    /// Files that are kept open, and how many may be.
    public var openFiles: (used: Int, bound: Int) { (files.count, files.capacity) }

    // MARK: Durability

    /// Makes everything verified so far outlive a crash, and gives complete files their place.
    ///
    /// To be called every few seconds while downloading, and before the store is let go. Above a few files it costs one
    /// sync of the file system, however many they are. What fails stays as it was and is tried again by the next call.
    public func checkpoint() throws(StorageError) {
        var outcome: Result<Void, StorageError> = .success(())
        checkpoints.withLock { _ in
            do throws(StorageError) { try writeCheckpoint() } catch { outcome = .failure(error) }
        }
        try outcome.get()
    }

    private func writeCheckpoint() throws(StorageError) {
        var dirty: [(file: PartialFile, ranges: ByteRanges)] = []
        for file in partials.withLock({ Array($0.values) }) {
            if let ranges = file.takeDirtyRanges() { dirty.append((file, ranges)) }
        }
        let all = dirty.map(\.file)
        do throws(StorageError) {
            let packed = try pack(&dirty)
            try sync(dirty.map(\.file))
            try flushPacks()
            for file in packed { try forget(file.key) }
            var folders: Set<String> = []
            for (file, ranges) in dirty {
                if ranges.contains(0..<file.length) {
                    try promote(file)
                    folders.insert(Disk.parent(of: path(of: file.key)))
                } else {
                    try file.flush(ranges: ranges, synced: true)
                }
            }
            for folder in folders { try Disk.syncDirectory(folder) }
            if !folders.isEmpty { try Disk.syncDirectory(home.content) }
        } catch {
            for file in all { file.markDirty() }
            throw error
        }
    }

    /// Moves small files that came in parts and have become complete into packs, where there is room.
    private func pack(_ dirty: inout [(file: PartialFile, ranges: ByteRanges)]) throws(StorageError) -> [PartialFile] {
        var packed: [PartialFile] = []
        var rest: [(file: PartialFile, ranges: ByteRanges)] = []
        for (file, ranges) in dirty {
            if case .file(let root) = file.key, file.length <= PackRecord.maximumLength,
                ranges.contains(0..<file.length), try pack(file.path, at: 0, length: file.length, root: root)
            {
                packed.append(file)
            } else {
                rest.append((file, ranges))
            }
        }
        dirty = rest
        return packed
    }

    /// Appends bytes of another file to a pack. Returns false where it takes no more.
    func pack(_ path: String, at offset: Int64, length: Int64, root: Digest256) throws(StorageError) -> Bool {
        let file = try OpenFile.open(path, flags: O_RDONLY | O_NOFOLLOW)
        let bytes = try file.read(at: offset, count: Int(length))
        guard bytes.count == Int(length) else { throw .damaged(path: path) }
        var outcome: Result<Bool, StorageError> = .success(false)
        unsafe bytes.withUnsafeBytes { buffer in
            do throws(StorageError) {
                outcome = .success(unsafe try packs.append(buffer, root: root, storedAt: Self.now))
            } catch {
                outcome = .failure(error)
            }
        }
        return try outcome.get()
    }

    /// Makes packed files durable, and says which have come and which the disk has refused.
    func flushPacks() throws(StorageError) {
        let flushed = packs.flush()
        for root in flushed.durable { losses.arrived(.file(root: root)) }
        for root in flushed.lost { losses.lost(.file(root: root)) }
        if let failure = flushed.failure { throw failure }
    }

    private func sync(_ dirty: [PartialFile]) throws(StorageError) {
        if dirty.count > 16 {
            try OpenFile.open(home.partial, flags: O_RDONLY | O_DIRECTORY).syncFileSystem()
        } else {
            for file in dirty { try file.sync() }
        }
    }

    private func promote(_ file: PartialFile) throws(StorageError) {
        let destination = path(of: file.key)
        // A failed checkpoint may have promoted this one already.
        if Disk.exists(file.path) {
            try Disk.makeDirectory(Disk.parent(of: destination))
            try Disk.rename(file.path, to: destination)
        }
        partials.withLock { _ = $0.removeValue(forKey: file.key) }
        files.forget(file.path)
        losses.arrived(file.key)
        try Disk.remove(file.path + PartialFile.recordSuffix)
    }

    /// Runs `body` while no checkpoint does.
    func atCheckpoint(_ body: () throws(StorageError) -> Void) throws(StorageError) {
        var outcome: Result<Void, StorageError> = .success(())
        checkpoints.withLock { _ in
            do throws(StorageError) { try body() } catch { outcome = .failure(error) }
        }
        try outcome.get()
    }

    /// Lets go of what is known in memory of a file being downloaded.
    func close(_ key: ContentKey) { partials.withLock { _ = $0.removeValue(forKey: key) } }

    /// The files of which something is known in memory.
    var openKeys: [ContentKey] { partials.withLock { Array($0.keys) } }

    /// Drops what there is of a file being downloaded, which is there in full by other means.
    func forget(_ key: ContentKey) throws(StorageError) {
        partials.withLock { _ = $0.removeValue(forKey: key) }
        let path = partialPath(of: key)
        files.forget(path)
        files.forget(self.path(of: key))
        try Disk.remove(path)
        try Disk.remove(path + PartialFile.recordSuffix)
    }

    // MARK: Removing

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
        var outcome: Result<Void, StorageError> = .success(())
        checkpoints.withLock { _ in
            do throws(StorageError) { try partial.markDamaged(range) } catch { outcome = .failure(error) }
        }
        losses.lost(key)
        try outcome.get()
    }

    // MARK: Looking over

    /// Calls `body` with every complete file and its length, in no order.
    public func forEachFile(_ body: (ContentKey, Int64) throws(StorageError) -> Void) throws(StorageError) {
        try forEachDatedFile { (key, length, _) throws(StorageError) in try body(key, length) }
    }

    /// As ``forEachFile(_:)``, with the time since when it stands there, in seconds since 1970.
    func forEachDatedFile(
        _ body: (ContentKey, Int64, Int64) throws(StorageError) -> Void
    ) throws(StorageError) {
        for file in packs.all() { try body(.file(root: file.root), file.length, file.storedAt) }
        for folder in try Disk.names(in: home.content) where folder != "packs" {
            for name in try Disk.names(in: "\(home.content)/\(folder)") {
                guard let key = ContentKey(name: folder.hasPrefix("v1-") ? "\(folder.dropFirst(3))-\(name)" : name),
                    packedLength(of: key) == nil, let status = try? Disk.status(of: path(of: key))
                else { continue }
                try body(key, status.length, status.changed / 1_000_000_000)
            }
        }
    }

    /// Calls `body` with every unfinished file and the bytes verified of it.
    public func forEachPartialFile(_ body: (ContentKey, Int64) throws(StorageError) -> Void) throws(StorageError) {
        for name in try Disk.names(in: home.partial) where !name.hasSuffix(PartialFile.recordSuffix) {
            guard let key = ContentKey(name: name) else { continue }
            let open = partials.withLock { $0[key]?.verified }
            let record = PartialFile.record(at: "\(home.partial)/\(name)\(PartialFile.recordSuffix)")
            try body(key, (open ?? record?.verified ?? ByteRanges()).byteCount)
        }
    }

    /// Packs of small files that were not whole when the store was opened; what was sound in them is held.
    public var damagedPacks: Int { packs.faults }

    /// How many unfinished files have no readable record: their bytes are verified again when they are wanted.
    public func partialFilesWithoutRecord() throws(StorageError) -> Int {
        try Disk.names(in: home.partial).count { name in
            !name.hasSuffix(PartialFile.recordSuffix)
                && PartialFile.record(at: "\(home.partial)/\(name)\(PartialFile.recordSuffix)") == nil
        }
    }

    /// What a crash can leave: a record whose file was promoted, or one that was being replaced; a late duplicate of
    /// a block of a file that had just been promoted.
    private func removeStrayRecords() throws(StorageError) {
        for name in try Disk.names(in: home.partial) {
            let path = "\(home.partial)/\(name)"
            let stray =
                name.hasSuffix(".new") || ContentKey(name: name).map(contains) == true
                || (name.hasSuffix(PartialFile.recordSuffix)
                    && !Disk.exists(String(path.dropLast(PartialFile.recordSuffix.count))))
            if stray { try Disk.remove(path) }
        }
    }
}
