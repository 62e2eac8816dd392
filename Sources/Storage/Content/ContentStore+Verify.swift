// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Glibc
public import Wire

extension ContentStore {
    public enum Condition: Equatable, Sendable {
        case sound
        /// The bytes are not those of the root; the file has been taken out of service.
        case damaged
        case missing
    }

    /// Reads a complete file and compares its root with its name. Blocks for as long as that takes.
    public func verify(_ root: Digest256) throws(StorageError) -> Condition {
        let key = ContentKey.file(root: root)
        let file: OpenFile
        do throws(StorageError) {
            file = try OpenFile.open(path(of: key), flags: O_RDONLY | O_NOFOLLOW)
        } catch .notFound {
            return .missing
        }
        // The piece length does not matter to a root, but to the memory that the hasher takes.
        let length = try file.status().length
        var hasher = FileTreeHasher(pieceLength: PieceLength.automatic(totalSize: length))
        var offset: Int64 = 0
        do throws(StorageError) {
            while case let bytes = try file.read(at: offset, count: 1 << 20), !bytes.isEmpty {
                hasher.update(bytes)
                offset += Int64(bytes.count)
            }
        } catch .io(.read, _, code: EIO) {
            try quarantine(key)
            return .damaged
        }
        guard hasher.finish().root == root else {
            try quarantine(key)
            return .damaged
        }
        return .sound
    }
}
