// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension ContentStore {
    /// Lets go of these files, whole or begun, the largest first, until `bytes` are free on the disk, or none is left.
    ///
    /// Returns how many went.
    public func trim(_ keys: [ContentKey], untilFree bytes: Int64) throws(StorageError) -> Int {
        guard let free = home.freeBytes, free < bytes else { return 0 }
        var sizes: [(key: ContentKey, blocks: Int64)] = []
        for key in Set(keys) {
            for path in [path(of: key), partialPath(of: key)] {
                if let status = try? Disk.status(of: path) { sizes.append((key, status.length)) }
            }
        }
        sizes.sort { ($0.blocks, $0.key.name) > ($1.blocks, $1.key.name) }
        var dropped = 0
        for (key, _) in sizes {
            guard let free = home.freeBytes, free < bytes else { break }
            try remove(key)
            dropped += 1
        }
        return dropped
    }
}
