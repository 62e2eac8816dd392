// SPDX-License-Identifier: Apache-2.0
public import BitTorrent
public import Feeds

/// Why a folder cannot become a release.
public enum PublishError: Error, Equatable {
    case notAFolder(path: String)
    /// The folder holds the node's home: its keys would be published.
    case containsHome(path: String)
    case nothingToPublish(path: String)
    case tooManyFiles(limit: Int)
    /// `path` has more bytes than `limit`, separators included.
    case pathTooLong(path: String, limit: Int)
    case tooDeep(path: String, limit: Int)
    case tooLarge(limit: Int64)
    /// The description of the files is larger than readers accept.
    case metadataTooLarge(limit: Int)
    /// The torrent's rules refuse the list of files.
    case notDescribable(BuildError)
    /// The directory's rules refuse the list of files.
    case notListable(DirectoryError)
    case cancelled
    case storage(StorageError)
}
