// SPDX-License-Identifier: Apache-2.0

/// Why a torrent cannot be made of what was given. Entries are counted from 0.
public enum BuildError: Error, Equatable {
    /// The entry does not come after the one before it (``TorrentEntry/precedes(_:_:)``), or is the same.
    case notInOrder(entry: Int)
    /// The entry is a file, and a later one lies in it as in a folder.
    case fileIsFolder(entry: Int)
    /// Without a path, or with an empty component.
    case invalidPath(entry: Int)
    /// More than one entry, or one in a folder, for a torrent that is to be a single file.
    case notSingleFile
    /// What came out would be refused by a reader.
    case unreadable(MetainfoError)
}
