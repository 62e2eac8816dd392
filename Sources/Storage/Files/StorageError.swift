// SPDX-License-Identifier: Apache-2.0

/// Why something could not be kept or read back. Paths are of this machine: they go to its user, never to a peer.
public enum StorageError: Error, Equatable {
    /// What was being done when the system refused.
    public enum Operation: String, Sendable {
        case open, read, write, sync, rename, remove, list, create, resize, lock, inspect
    }

    /// A call of the operating system failed; `code` is its errno.
    case io(Operation, path: String, code: Int32)
    /// No space, or none left of the user's quota on this file system (ENOSPC, EDQUOT).
    case diskFull(path: String)
    case notFound(path: String)
    /// The file system does not let this user do it, or a private file is open to others.
    case notPermitted(path: String)
    /// The file's content is not in a form that this version writes, or fails its checksum or hash.
    case damaged(path: String)
    /// Another process holds the home.
    case homeInUse(path: String, holder: String)
    /// The home was written by a later version of this program.
    case tooNew(path: String, version: Int)
    /// A range that reaches beyond the file of `length` bytes was asked for.
    case outOfRange(length: Int64)
    /// A file longer than the caller's bound.
    case tooLarge(path: String, limit: Int)

    /// The file or folder that it is of, where it is of one.
    var path: String? {
        switch self {
        case .io(_, let path, _), .diskFull(let path), .notFound(let path), .notPermitted(let path), .damaged(let path),
            .homeInUse(let path, _), .tooNew(let path, _), .tooLarge(let path, _):
            path
        case .outOfRange: nil
        }
    }
}
