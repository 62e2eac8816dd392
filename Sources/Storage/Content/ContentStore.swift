// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Glibc
internal import Synchronization
internal import Wire

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
    let partials = Mutex<[ContentKey: PartialFile]>([:])
    let losses = ContentLosses()
    /// Held while records are written and files change their place, so that no older record follows a newer one.
    let checkpoints = Mutex(())

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

    func packedLength(of key: ContentKey) -> Int64? {
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
        unsafe try bytes.span.bytes.withUnsafeBytes { (buffer) throws(StorageError) in
            unsafe try write(buffer, to: key, length: length, at: offset)
        }
    }

    private func partial(_ key: ContentKey, length: Int64) throws(StorageError) -> PartialFile {
        try partials.withLock { (partials) throws(StorageError) in
            if let partial = partials[key], partial.length == length { return partial }
            let partial = try PartialFile(key: key, length: length, path: partialPath(of: key), files: files)
            partials[key] = partial
            return partial
        }
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
