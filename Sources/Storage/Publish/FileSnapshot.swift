// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// A copy of one file of a folder, from which everything about a release is computed.
///
/// Where the file system shares blocks the copy is of one instant. Elsewhere a file that is written to while it is
/// copied is copied again, up to ``attempts`` times; after that the release has what the last copy has, which is then a
/// state that the file passed through in parts. Hashes are over the copy, so a release never differs from its bytes.
struct FileSnapshot: Sendable {
    static let attempts = 3

    /// The copy, beneath `tmp/`. It is not kept open: a site may have more files than a process may open.
    var path: String
    /// Where it begins there; nil where the file is this copy's alone.
    var offset: Int64?
    var length: Int64
    /// Of the original when the copy was finished.
    var status: FileStatus
    /// The original did not change while it was copied.
    var isStable: Bool

    /// Copies a small file behind others. Nil where it is longer, or changed meanwhile.
    static func take(of source: OpenFile, into copies: SmallCopies) throws(StorageError) -> FileSnapshot? {
        let before = try source.status()
        guard before.length <= PackRecord.maximumLength else { return nil }
        let bytes = try source.read(at: 0, count: PackRecord.maximumLength + 1)
        let after = try source.status()
        guard after == before, bytes.count == Int(after.length) else { return nil }
        let offset = try copies.append(bytes)
        return FileSnapshot(
            path: copies.path,
            offset: offset,
            length: after.length,
            status: after,
            isStable: true
        )
    }

    /// Copies `source` to a new file at `path`; only its beginning where `goesOn`, asked with the bytes so far, says no.
    static func take(
        of source: OpenFile,
        at path: String,
        maximum: Int64,
        goesOn: (Int64) -> Bool = { _ in true }
    ) throws(StorageError) -> FileSnapshot {
        let copy = try OpenFile.open(path, flags: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW)
        do throws(StorageError) {
            var before = try source.status()
            for attempt in 1...attempts {
                let length = try source.copyAll(to: copy, maximum: maximum, goesOn: goesOn)
                let after = try source.status()
                let isStable = after == before && length == after.length
                if isStable || attempt == attempts || !goesOn(length) {
                    return FileSnapshot(path: path, length: length, status: after, isStable: isStable)
                }
                before = after
                try copy.resize(to: 0)
            }
            preconditionFailure("the last attempt returns")
        } catch {
            try? Disk.remove(path)
            throw error
        }
    }
}
