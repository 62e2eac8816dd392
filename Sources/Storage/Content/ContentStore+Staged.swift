// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Glibc
public import Wire

extension ContentStore {
    /// A complete file that is kept under a name of its own until its root has been looked at.
    public struct Staged: Sendable {
        /// The name under which the file waits.
        public var key: ContentKey
        /// What its bytes are said to hash to: believed only once they were read.
        public var root: Digest256
        /// Bytes it is said to have.
        public var length: Int64

        /// Nothing is checked before the bytes are read.
        public init(key: ContentKey, root: Digest256, length: Int64) {
            self.key = key
            self.root = root
            self.length = length
        }
    }

    /// Makes staged files the store's files of these roots. Blocks for as long as it takes to read them; when it returns
    /// they are durable.
    ///
    /// - Returns: those whose bytes have another root: they have been let go.
    public func adopt(staged: [Staged]) throws(StorageError) -> [Staged] {
        var refused: [Staged] = []
        var right: [Staged] = []
        var known: [ContentKey] = []
        for file in staged {
            if length(of: .file(root: file.root)) == file.length {
                known.append(file.key)
            } else if try root(of: file) == file.root {
                right.append(file)
            } else {
                try remove(file.key)
                refused.append(file)
            }
        }
        // In parts, so that who waits for the store has a turn among a hundred thousand small files.
        for start in stride(from: 0, to: known.count, by: Self.removedAtOnce) {
            try remove(Array(known[start..<min(start + Self.removedAtOnce, known.count)]))
        }
        try place(right)
        return refused
    }

    private static let removedAtOnce = 256

    private func root(of file: Staged) throws(StorageError) -> Digest256? {
        // The piece length does not matter to a root, but to the memory that the hasher takes.
        var hasher = FileTreeHasher(pieceLength: PieceLength.automatic(totalSize: file.length))
        var offset: Int64 = 0
        while offset < file.length {
            let count = Int(min(1 << 20, file.length - offset))
            hasher.update(try read(file.key, at: offset, count: count))
            offset += Int64(count)
        }
        return hasher.finish().root
    }

    private func place(_ staged: [Staged]) throws(StorageError) {
        guard !staged.isEmpty else { return }
        try atCheckpoint { () throws(StorageError) in
            let adoptions = staged.map { file in
                // A checkpoint may have given it the place of a complete file.
                let partial = partialPath(of: file.key)
                let path = Disk.exists(partial) ? partial : path(of: file.key)
                return Adoption(path: path, root: file.root, length: file.length)
            }
            _ = try adopt(adoptions)
            for file in staged {
                try forget(file.key)
                try forget(.file(root: file.root))
            }
        }
    }
}
