// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Files that are known by their place in a v1 torrent.
extension ContentStore {
    /// Lets go of all files of a torrent that stand under its v1 infohash, complete or not; what exists is looked for, so that
    /// a torrent of which nothing is here costs two listings, however many files it has.
    public func removeFiles(ofTorrent torrent: Digest160) throws(StorageError) {
        let begun = try Disk.names(in: home.partial).compactMap { name -> ContentKey? in
            let suffix = PartialFile.recordSuffix
            return ContentKey(name: name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : name)
        }
        let folder = "\(home.content)/\(ContentKey.v1(torrent: torrent, file: 0).folder)"
        let whole = Disk.exists(folder) ? try Disk.names(in: folder).compactMap { Int($0) } : []
        var keys = Set(whole.map { ContentKey.v1(torrent: torrent, file: $0) })
        for key in begun + openKeys {
            if case .v1(torrent, _) = key { keys.insert(key) }
        }
        if !keys.isEmpty { try remove(Array(keys)) }
    }

    /// Has the next read of a complete file open it anew: another may stand in its place since it was opened.
    public func reopen(_ key: ContentKey) { files.forget(path(of: key)) }

    /// Closes the files that nobody has used since the last call: after much reading their descriptors would be held for ever.
    public func closeUnusedFiles() { files.dropUnused() }
}
