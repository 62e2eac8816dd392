// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Glibc
public import Wire

extension ContentStore {
    /// What reading a file in full showed.
    public enum Condition: Equatable, Sendable {
        case sound
        /// The bytes are not those of the root; the file has been taken out of service, unless only a look was asked for.
        case damaged
        case missing
    }

    /// Reads a complete file and compares its root with its name. Blocks for as long as that takes.
    ///
    /// Without `takingOut` a damaged file stays where it is.
    public func verify(_ root: Digest256, takingOut: Bool = true) throws(StorageError) -> Condition {
        // The piece length does not matter to a root, but to the memory that the hasher takes.
        let condition = try hash(root, pieceLength: nil).condition
        if condition == .damaged, takingOut { try quarantine(.file(root: root)) }
        return condition
    }

    /// The hashes of a complete file's pieces, made from its bytes: 32 bytes a piece, none for a file of one piece. Nil
    /// where it is not here, or no longer what it was. Blocks for as long as reading it takes.
    ///
    /// - Precondition: the piece length is valid for v2.
    public func pieceLayer(of root: Digest256, pieceLength: Int) throws(StorageError) -> [UInt8]? {
        let (condition, hashes) = try hash(root, pieceLength: pieceLength)
        if condition == .damaged { try quarantine(.file(root: root)) }
        return condition == .sound ? hashes?.pieceLayer : nil
    }

    private func hash(
        _ root: Digest256,
        pieceLength: Int?
    ) throws(StorageError) -> (condition: Condition, hashes: FileHashes?) {
        let key = ContentKey.file(root: root)
        if let length = packs.length(of: root) { return try hashPacked(root, length, pieceLength) }
        let file: OpenFile
        do throws(StorageError) {
            file = try OpenFile.open(path(of: key), flags: O_RDONLY | O_NOFOLLOW)
        } catch .notFound {
            return (.missing, nil)
        } catch .io(_, _, code: ELOOP) {
            return (.damaged, nil)
        }
        let status = try file.status()
        // The store makes files only: anything else was put there by other means, and is never followed.
        guard status.kind == .file else { return (.damaged, nil) }
        let length = status.length
        var hasher = FileTreeHasher(pieceLength: pieceLength ?? PieceLength.automatic(totalSize: length))
        var offset: Int64 = 0
        do throws(StorageError) {
            while case let bytes = try file.read(at: offset, count: 1 << 20), !bytes.isEmpty {
                hasher.update(bytes)
                offset += Int64(bytes.count)
            }
        } catch .io(.read, _, code: EIO) {
            return (.damaged, nil)
        }
        let hashes = hasher.finish()
        guard hashes.root == root else { return (.damaged, nil) }
        return (.sound, hashes)
    }

    private func hashPacked(
        _ root: Digest256,
        _ length: Int64,
        _ pieceLength: Int?
    ) throws(StorageError) -> (condition: Condition, hashes: FileHashes?) {
        let key = ContentKey.file(root: root)
        let bytes: [UInt8]
        do throws(StorageError) {
            bytes = try read(key, at: 0, count: Int(length))
        } catch .damaged, .notFound {
            return (.damaged, nil)
        } catch .io(_, _, let code) where [EIO, ELOOP, EISDIR].contains(code) {
            return (.damaged, nil)
        }
        var hasher = FileTreeHasher(pieceLength: pieceLength ?? PieceLength.automatic(totalSize: length))
        hasher.update(bytes)
        let hashes = hasher.finish()
        guard hashes.root == root else { return (.damaged, nil) }
        return (.sound, hashes)
    }
}
