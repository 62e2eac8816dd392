// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Wire

extension ContentStore {
    /// A file beneath `tmp/` whose root was computed from its bytes.
    struct Adoption {
        var path: String
        /// Where its bytes begin: several small ones may share a file, which is then the caller's to remove.
        var offset: Int64 = 0
        var isShared = false
        var root: Digest256
        var length: Int64
    }

    /// Gives copies their place in the store; what is held already, or named twice, is dropped.
    ///
    /// When this returns all of them are durable. The caller holds a lease on the roots. Above a few files it costs two
    /// syncs of the file system, however many they are.
    ///
    /// Returns the bytes that the store did not hold before.
    @discardableResult
    func adopt(_ adoptions: [Adoption]) throws(StorageError) -> Int64 {
        var fresh: [Digest256: Adoption] = [:]
        for adoption in adoptions {
            if fresh[adoption.root] == nil, length(of: .file(root: adoption.root)) != adoption.length {
                fresh[adoption.root] = adoption
            } else if !adoption.isShared {
                try Disk.remove(adoption.path)
            }
        }
        let added = fresh.values.reduce(0) { $0 + $1.length }
        try pack(&fresh)
        let isMany = fresh.count > 16
        if isMany {
            try syncFileSystem()
        } else {
            for adoption in fresh.values { try OpenFile.open(adoption.path, flags: O_RDONLY | O_NOFOLLOW).sync() }
        }
        var folders: Set<String> = []
        for adoption in fresh.values {
            let destination = path(of: .file(root: adoption.root))
            let folder = Disk.parent(of: destination)
            if folders.insert(folder).inserted { try Disk.makeDirectory(folder) }
            files.forget(destination)
            try Disk.rename(adoption.path, to: destination)
        }
        if isMany {
            try syncFileSystem()
        } else {
            for folder in folders { try Disk.syncDirectory(folder) }
            if !folders.isEmpty { try Disk.syncDirectory(home.content) }
        }
        for root in fresh.keys { losses.arrived(.file(root: root)) }
        return added
    }

    /// Puts those that are small into packs, durably.
    private func pack(_ fresh: inout [Digest256: Adoption]) throws(StorageError) {
        let small = fresh.filter { $0.value.length <= PackRecord.maximumLength }
        // In the order of the copies, that of the folder: what is read together stands together.
        for (root, adoption) in small.sorted(by: { ($0.value.path, $0.value.offset) < ($1.value.path, $1.value.offset) }
        ) {
            let (path, offset, length) = (adoption.path, adoption.offset, adoption.length)
            guard try pack(path, at: offset, length: length, root: root) else { continue }
            fresh[root] = nil
            if !adoption.isShared { try Disk.remove(adoption.path) }
        }
        try flushPacks()
    }

    private func syncFileSystem() throws(StorageError) {
        try OpenFile.open(home.content, flags: O_RDONLY | O_DIRECTORY).syncFileSystem()
    }
}
