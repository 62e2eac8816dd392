// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension ContentStore {
    /// Lets go of these files, whole or begun, the largest first, until `bytes` are free on the disk, or none is left.
    ///
    /// Returns how many went.
    public func trim(_ keys: [ContentKey], untilFree bytes: Int64) throws(StorageError) -> Int {
        guard let free = home.freeBytes, free < bytes else { return 0 }
        var sizes: [(key: ContentKey, length: Int64)] = []
        for key in Set(keys) {
            let begun = (try? Disk.status(of: partialPath(of: key)))?.length
            if let length = length(of: key) ?? packedLengthSoFar(of: key) ?? begun { sizes.append((key, length)) }
        }
        sizes.sort { ($0.length, $0.key.name) > ($1.length, $1.key.name) }
        var dropped = 0
        while dropped < sizes.count, let free = home.freeBytes, free < bytes {
            // As many at a time as may be enough: what was packed comes back with one sync for all of them.
            var batch: [ContentKey] = []
            var length: Int64 = 0
            while dropped + batch.count < sizes.count, length < bytes - free, batch.count < 1024 {
                batch.append(sizes[dropped + batch.count].key)
                length += sizes[dropped + batch.count - 1].length
            }
            try remove(batch)
            dropped += batch.count
        }
        return dropped
    }

    /// Also where the disk may not have it yet.
    private func packedLengthSoFar(of key: ContentKey) -> Int64? {
        guard case .file(let root) = key else { return nil }
        return packs.currentLength(of: root)
    }
}
