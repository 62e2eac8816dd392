// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// What there is, one after the other.
extension ContentStore {
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

    /// Of ``damagedPacks`` those of which nothing could be read, which are left alone.
    public var unreadablePacks: Int { packs.unreadable }

    /// How many packs had something behind their last sound record, which was cut off when the store was opened: what a
    /// write leaves that was interrupted, or a file whose end is lost.
    public var cutPacks: Int { packs.cut }

    /// How many unfinished files have no readable record: their bytes are verified again when they are wanted.
    public func partialFilesWithoutRecord() throws(StorageError) -> Int {
        try Disk.names(in: home.partial).count { name in
            !name.hasSuffix(PartialFile.recordSuffix)
                && PartialFile.record(at: "\(home.partial)/\(name)\(PartialFile.recordSuffix)") == nil
        }
    }
}
