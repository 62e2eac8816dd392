// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

extension OpenFile {
    /// Copies all of this file into `copy`, which is empty: sharing blocks where the file system can.
    ///
    /// `goesOn` is asked with the bytes so far, every 16 MiB at least; where it answers no, the rest is left.
    ///
    /// Returns the bytes copied. Fails with ``StorageError/tooLarge(path:limit:)`` beyond `maximum` bytes.
    func copyAll(
        to copy: OpenFile,
        maximum: Int64,
        goesOn: (Int64) -> Bool = { _ in true }
    ) throws(StorageError) -> Int64 {
        if roost_clone_file(copy.descriptor, descriptor) == 0 { return try copy.status().length }
        var offset: Int64 = 0
        while offset <= maximum {
            if offset > 0, !goesOn(offset) { return offset }
            let count = roost_copy_range(copy.descriptor, descriptor, offset, 1 << 24)
            if count > 0 {
                offset += Int64(count)
            } else if count == 0 {
                return offset
            } else if [ENOSPC, EDQUOT, EIO].contains(errno) {
                throw .lastError(.write, copy.path)
            } else if errno != EINTR {
                // Not between these file systems: through memory.
                return try copyThroughMemory(to: copy, from: offset, maximum: maximum, goesOn)
            }
        }
        throw .tooLarge(path: path, limit: Int(maximum))
    }

    private func copyThroughMemory(
        to copy: OpenFile,
        from start: Int64,
        maximum: Int64,
        _ goesOn: (Int64) -> Bool
    ) throws(StorageError) -> Int64 {
        var offset = start
        while offset <= maximum {
            if offset > start, (offset - start) % (1 << 24) == 0, !goesOn(offset) { return offset }
            let bytes = try read(at: offset, count: 1 << 18)
            if bytes.isEmpty { return offset }
            try copy.write(bytes, at: offset)
            offset += Int64(bytes.count)
        }
        throw .tooLarge(path: path, limit: Int(maximum))
    }
}
