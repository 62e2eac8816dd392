// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization
internal import Wire

/// What makes bytes outlive a crash.
extension ContentStore {
    /// Makes everything verified so far outlive a crash, and gives complete files their place.
    ///
    /// To be called every few seconds while downloading, and before the store is let go. Above a few files it costs one
    /// sync of the file system, however many they are. What fails stays as it was and is tried again by the next call.
    public func checkpoint() throws(StorageError) {
        try atCheckpoint { () throws(StorageError) in try writeCheckpoint() }
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
        return unsafe try bytes.span.bytes.withUnsafeBytes { (buffer) throws(StorageError) in
            unsafe try packs.append(buffer, root: root, storedAt: Self.now)
        }
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
        try checkpoints.withLock { _ throws(StorageError) in try body() }
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
}
