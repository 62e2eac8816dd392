// SPDX-License-Identifier: Apache-2.0

/// One file that goes into a torrent being made.
public struct TorrentEntry: Hashable, Sendable {
    /// At least one component, each not empty and without separators.
    public var path: [String]
    /// Whoever unpacks the torrent may run the file (BEP 47, attribute `x`).
    public var isExecutable: Bool
    /// Root and piece layer are looked at only where the torrent has a v2 side.
    public var hashes: FileHashes

    /// A file of `hashes.length` bytes; ``MetainfoBuilder`` judges the path.
    public init(path: [String], isExecutable: Bool = false, hashes: FileHashes) {
        self.path = path
        self.isExecutable = isExecutable
        self.hashes = hashes
    }

    /// The order of files in every torrent that we make: by component, each compared as raw UTF-8 bytes.
    ///
    /// It is the order in which the keys of a v2 file tree stand, so that v1 and v2 list the same files alike.
    public static func precedes(_ left: [String], _ right: [String]) -> Bool {
        for (one, other) in zip(left, right) where !one.utf8.elementsEqual(other.utf8) {
            return one.utf8.lexicographicallyPrecedes(other.utf8)
        }
        return left.count < right.count
    }
}
