// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Glibc
internal import Wire

/// Which pieces of a torrent in a folder were verified, and what its files looked like then.
///
/// A bencoded file beside the torrent's, replaced as a whole: `{"files": [[size, modified ns]…], "pieces": bits, "v": 1}`.
/// It only saves work: whatever does not match it is hashed again.
struct ResumeRecord: Equatable {
    /// Larger records are not read: a million files and pieces take less.
    private static let maximumBytes = 64 << 20

    var verified: Bitfield
    var stamps: [FileStamp]

    /// The name of the record in the folder.
    struct Place: Sendable {
        let name: String

        init(_ infoHashes: InfoHashes) {
            name = ".\(infoHashes.short.first?.hex ?? "torrent").roost"
        }
    }

    var encoded: [UInt8] {
        let value: BencodeValue = [
            "files": .list(stamps.map { [.integer($0.size), .integer($0.modified)] }),
            "pieces": .bytes(verified.wire),
            "v": 1,
        ]
        return value.encoded
    }

    func write(to place: Place, in root: FileDescriptor) throws(PieceStorageError) {
        let temporary = place.name + ".new"
        let (file, error) = root.openBeneath(temporary, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
        guard let file else { throw .system(errno: error, path: temporary) }
        let bytes = encoded
        // SAFETY: the span is of an array that lives until the end of the function.
        try unsafe file.write(bytes.span.bytes, at: 0)
        try file.sync()
        guard unsafe renameat(root.raw, temporary, root.raw, place.name) == 0 else {
            throw .system(errno: errno, path: place.name)
        }
    }

    /// Nil where there is none, or it is not of this torrent, or damaged.
    static func read(from place: Place, in root: FileDescriptor, pieces: Int, files: Int) -> ResumeRecord? {
        let (file, _) = root.openBeneath(place.name, flags: O_RDONLY, mode: 0)
        guard let file, let size = file.stamp()?.size, (1...Int64(maximumBytes)).contains(size) else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(size))
        var span = bytes.mutableSpan
        // SAFETY: the bytes of the array, used before it is read.
        var raw = unsafe span.mutableBytes
        do { try file.read(into: &raw, 0..<Int(size), at: 0) } catch { return nil }
        return parse(bytes, pieces: pieces, files: files)
    }

    static func parse(_ bytes: [UInt8], pieces: Int, files: Int) -> ResumeRecord? {
        let limits = Bencode.Limits(bytes: maximumBytes, depth: 4, values: 3 * files + 16)
        guard let node = try? Bencode.parse(bytes, mode: .strict, limits: limits), node["v"]?.integer == 1,
            let bits = node["pieces"]?.bytes, let verified = Bitfield(wire: Array(bits), count: pieces),
            let list = node["files"]?.list, list.count == files
        else { return nil }
        let stamps = list.compactMap { entry -> FileStamp? in
            guard let pair = entry.list, pair.count == 2, let size = pair[0].integer, let time = pair[1].integer else {
                return nil
            }
            return FileStamp(size: size, modified: time)
        }
        return stamps.count == files ? ResumeRecord(verified: verified, stamps: stamps) : nil
    }
}
