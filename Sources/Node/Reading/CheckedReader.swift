// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Storage
internal import Synchronization
internal import Wire

/// Reads what the store holds, and hashes every piece after it was read and before any byte of it is shown: what a disk
/// has changed since it was verified is never served (`docs/decisions/0019-pages-are-hashed-when-read.md`).
///
/// Blocks. Thread-safe. Memory: the pieces hashed last, ``capacity`` bytes and one piece, until ``rest()``.
final class CheckedReader: Sendable {
    static let capacity = 8 << 20

    /// What the bytes of a file must hash to.
    enum Proof: Sendable {
        /// Its BEP 52 root, by pieces of this length.
        case root(pieceLength: Int)
        /// The pieces of a v1 torrent, of which it is this file.
        case pieces(Metainfo, file: Int)
    }

    private struct Unit: Hashable {
        var key: ContentKey
        var number: Int
    }

    private struct Cache {
        var young: [Unit: [UInt8]] = [:]
        var old: [Unit: [UInt8]] = [:]
        var bytes = 0
        var wasUsed = false
    }

    private let context: NodeContext
    private let cache = Mutex(Cache())

    init(context: NodeContext) {
        self.context = context
    }

    /// As many bytes from `offset` as are held in one run and are what they must be; nil where the first is not. What is
    /// damaged has been taken out of service then.
    func read(
        _ key: ContentKey,
        _ length: Int64,
        at offset: Int64,
        count: Int,
        _ proof: Proof
    ) throws -> [UInt8]? {
        let verified = try context.content.verified(key, length: length)
        guard let run = verified.ranges.first(where: { $0.contains(offset) }) else { return nil }
        let end = min(offset + Int64(count), run.upperBound)
        var bytes: [UInt8] = []
        while offset + Int64(bytes.count) < end {
            let start = offset + Int64(bytes.count)
            let part =
                switch proof {
                case .root(let pieceLength): try part(key, length, from: start, to: end, in: run, pieceLength)
                case .pieces(let metainfo, let file): try part(key, file, from: start, to: end, of: metainfo)
                }
            guard let part, !part.isEmpty else { break }
            bytes += part
        }
        return bytes.isEmpty ? nil : bytes
    }

    /// Gives back what was kept for the next part of a body; to be called every few seconds.
    func rest() {
        cache.withLock { cache in
            if !cache.wasUsed, !(cache.young.isEmpty && cache.old.isEmpty) { cache = Cache() }
            cache.wasUsed = false
        }
    }

    // MARK: By root

    /// The bytes of one piece from `start` to at most `end`.
    private func part(
        _ key: ContentKey,
        _ length: Int64,
        from start: Int64,
        to end: Int64,
        in run: Range<Int64>,
        _ pieceLength: Int
    ) throws -> ArraySlice<UInt8>? {
        guard case .file(let root) = key else { return try plain(key, from: start, to: end) }
        let number = Int(start / Int64(pieceLength))
        let first = Int64(number) * Int64(pieceLength)
        let range = first..<min(first + Int64(pieceLength), length)
        // Blocks of a piece that is still arriving were proven as they came, a moment ago.
        guard range.lowerBound >= run.lowerBound, range.upperBound <= run.upperBound else {
            return try plain(key, from: start, to: min(end, range.upperBound))
        }
        let unit = Unit(key: key, number: number)
        guard let piece = try recall(unit) ?? hashed(root, length, number, range, pieceLength, unit) else { return nil }
        return piece[Int(start - first)..<Int(min(end, range.upperBound) - first)]
    }

    private func hashed(
        _ root: Digest256,
        _ length: Int64,
        _ number: Int,
        _ range: Range<Int64>,
        _ pieceLength: Int,
        _ unit: Unit
    ) throws -> [UInt8]? {
        let bytes = try context.content.read(
            unit.key,
            at: range.lowerBound,
            count: Int(range.upperBound - range.lowerBound)
        )
        let isWhole = length <= Int64(pieceLength)
        guard let expected = isWhole ? root : try pieceHash(root, number, length, pieceLength) else {
            // The hashes of a file that is still arriving are noted later: its pieces were proven a moment ago.
            return context.content.hasBegun(unit.key) ? bytes : nil
        }
        let height = isWhole ? nil : Merkle.pieceLayer(pieceLength: pieceLength)
        guard Merkle.root(of: bytes, height: height) == expected else {
            try context.content.markDamaged(unit.key, range: range)
            return nil
        }
        keep(bytes, as: unit)
        return bytes
    }

    /// From the layer noted for the file, which is proven against its root first; else from the file, all of which is read
    /// for it once.
    private func pieceHash(_ root: Digest256, _ number: Int, _ length: Int64, _ pieceLength: Int) throws -> Digest256? {
        let noted = try context.metadata.read { try $0.pieceLayer(of: root, pieceLength: pieceLength) }
        if let noted, let hash = Self.hash(number, in: noted, of: root, pieceLength) { return hash }
        guard context.content.contains(.file(root: root)),
            let made = try context.content.pieceLayer(of: root, pieceLength: pieceLength)
        else { return nil }
        try context.note([root: made], pieceLength: pieceLength)
        return Self.hash(number, in: made, of: root, pieceLength)
    }

    private static func hash(_ number: Int, in layer: [UInt8], of root: Digest256, _ pieceLength: Int) -> Digest256? {
        let size = Digest256.byteCount
        let hashes = stride(from: 0, to: layer.count, by: size).compactMap {
            Digest256(layer[$0..<min($0 + size, layer.count)])
        }
        guard hashes.indices.contains(number),
            Merkle.root(of: hashes, layer: Merkle.pieceLayer(pieceLength: pieceLength)) == root
        else { return nil }
        return hashes[number]
    }

    // MARK: By v1 pieces

    private func part(
        _ key: ContentKey,
        _ file: Int,
        from start: Int64,
        to end: Int64,
        of metainfo: Metainfo
    ) throws -> ArraySlice<UInt8>? {
        let map = metainfo.pieceMap
        guard case .v1(let torrent, _) = key, let index = map.piece(file: file, offset: start) else {
            return try plain(key, from: start, to: end)
        }
        let segments = map.segments(of: index)
        guard let own = segments.firstIndex(where: { $0.file == file && $0.offset <= start }) else { return nil }
        let last = min(end, segments[own].offset + Int64(segments[own].length))
        let before = segments[..<own].reduce(0) { $0 + $1.length }
        let unit = Unit(key: .v1(torrent: torrent, file: -1), number: Int(index.raw))
        var found = recall(unit)
        if found == nil {
            guard let piece = try whole(segments, torrent, metainfo) else {
                // Its other files are not here: proven when it came.
                return try plain(key, from: start, to: last)
            }
            guard Self.isRight(piece, index, of: metainfo) else {
                try damaged(segments, of: torrent)
                return nil
            }
            keep(piece, as: unit)
            found = piece
        }
        let from = before + Int(start - segments[own].offset)
        return found?[from..<from + Int(last - start)]
    }

    private static func isRight(_ bytes: [UInt8], _ piece: PieceIndex, of metainfo: Metainfo) -> Bool {
        guard var verifier = PieceVerifier(metainfo, piece: piece) else { return true }
        verifier.update(bytes)
        return verifier.finish()
    }

    private func damaged(_ segments: [FileSegment], of torrent: Digest160) throws {
        for segment in segments {
            let range = segment.offset..<segment.offset + Int64(segment.length)
            try context.content.markDamaged(.v1(torrent: torrent, file: segment.file), range: range)
        }
    }

    private func whole(
        _ segments: [FileSegment],
        _ torrent: Digest160,
        _ metainfo: Metainfo
    ) throws -> [UInt8]? {
        var bytes: [UInt8] = []
        for segment in segments {
            let key = ContentKey.v1(torrent: torrent, file: segment.file)
            let range = segment.offset..<segment.offset + Int64(segment.length)
            let verified = try context.content.verified(key, length: metainfo.files[segment.file].length)
            guard verified.contains(range) else { return nil }
            bytes += try context.content.read(key, at: segment.offset, count: segment.length)
        }
        return bytes
    }

    private func plain(_ key: ContentKey, from start: Int64, to end: Int64) throws -> ArraySlice<UInt8>? {
        try context.content.read(key, at: start, count: Int(end - start))[...]
    }

    // MARK: The pieces read last

    private func recall(_ unit: Unit) -> [UInt8]? {
        cache.withLock { cache in
            cache.wasUsed = true
            return cache.young[unit] ?? cache.old[unit]
        }
    }

    private func keep(_ bytes: [UInt8], as unit: Unit) {
        cache.withLock { cache in
            if cache.bytes + bytes.count > Self.capacity / 2 {
                cache.old = cache.young
                cache.young = [:]
                cache.bytes = 0
            }
            if cache.young.updateValue(bytes, forKey: unit) == nil { cache.bytes += bytes.count }
        }
    }
}
