// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import Wire

extension ContentStore {
    /// Lets go of what of a file is not in this node's share, unless someone holds a lease on it; what is left of a longer
    /// one is begun, not complete. The rest of the bytes goes back to the disk.
    ///
    /// Returns whether anything went.
    func thin(_ root: Digest256, to share: KeptShare) throws(StorageError) -> Bool {
        let key = ContentKey.file(root: root)
        let begun = { (try? Disk.status(of: self.partialPath(of: key)))?.length }
        guard let length = length(of: key) ?? begun() else { return false }
        let kept = share.ranges(of: root, length: length)
        let held = try verified(key, length: length)
        var rest = held
        for range in kept.ranges { rest.remove(range) }
        guard !rest.isEmpty else { return false }
        guard rest != held else { return try !removeUnlessLeased([key]).isEmpty }
        var hasGone = false
        try atCheckpoint { () throws(StorageError) in
            hasGone = try leases.ifFree(key) { () throws(StorageError) in
                var left = held
                for range in rest.ranges { left.remove(range) }
                try cut(key, length: length, to: left)
            }
        }
        return hasGone
    }

    /// The record comes first: from then on nothing else of the file is counted, whatever a crash leaves.
    private func cut(_ key: ContentKey, length: Int64, to left: ByteRanges) throws(StorageError) {
        let (whole, begun) = (path(of: key), partialPath(of: key))
        let record = PartialRecord(length: length, verified: left)
        close(key)
        try Disk.write(record.bytes, durablyTo: begun + PartialFile.recordSuffix)
        files.forget(whole)
        files.forget(begun)
        if Disk.exists(whole) { try Disk.rename(whole, to: begun) }
        losses.lost(key)
        let file = try OpenFile.open(begun, flags: O_RDWR | O_NOFOLLOW)
        var start: Int64 = 0
        for range in left.ranges + [length..<length + 1] {
            // Where the disk has no holes the bytes stay until the file goes.
            if start < range.lowerBound { _ = roost_punch_hole(file.descriptor, start, range.lowerBound - start) }
            start = range.upperBound
        }
    }
}
