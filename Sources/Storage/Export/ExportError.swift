// SPDX-License-Identifier: Apache-2.0

/// Why a release was not written out. The folder is then as it was before.
public enum ExportError: Error, Equatable {
    /// There is a file or a link where the folder should go, or the folder holds something.
    case notEmpty(path: String)
    /// A file of the release is not held complete.
    case missing(path: String)
    /// A path of the release cannot be a path on this machine.
    case unusablePath(path: String)
    case cancelled
    case storage(StorageError)
}
