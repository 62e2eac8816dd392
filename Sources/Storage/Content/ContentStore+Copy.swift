// SPDX-License-Identifier: Apache-2.0
internal import Glibc

extension ContentStore {
    /// Writes a complete file of this length into `copy`, which is empty, sharing blocks where the file system can.
    func copy(_ key: ContentKey, length: Int64, to copy: OpenFile) throws(StorageError) {
        if case .file(let root) = key, packs.length(of: root) == length {
            return try copy.write(try read(key, at: 0, count: Int(length)), at: 0)
        }
        let source = try OpenFile.open(path(of: key), flags: O_RDONLY | O_NOFOLLOW)
        guard try source.status().length == length, try source.copyAll(to: copy, maximum: length) == length,
            try copy.status().length == length
        else { throw .damaged(path: source.path) }
    }
}
