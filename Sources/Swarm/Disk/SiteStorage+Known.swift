// SPDX-License-Identifier: Apache-2.0
public import BitTorrent
public import Storage
internal import Synchronization

/// What of a torrent is there.
extension SiteStorage {
    /// The pieces that are held: by earlier runs, by another release, by the twin.
    public func known() -> Bitfield {
        var known = Bitfield(count: pieceCount)
        guard let map else {
            for entry in sparse.withLock({ $0 }) {
                for piece in pieces(of: entry, heldIn: verified(entry.file)) { known[piece] = true }
            }
            return known
        }
        var held = HeldRanges(storage: self)
        for piece in 0..<pieceCount { known[piece] = held.contain(piece, in: map) }
        return known
    }

    /// Which of `pieces` are held now, some of whose files have come or gone.
    public func known(among pieces: [Int]) -> Set<Int> {
        guard let map else {
            let known = known()
            return Set(pieces.filter { known[$0] })
        }
        var held = HeldRanges(storage: self)
        return Set(pieces.filter { held.contain($0, in: map) })
    }

    /// The pieces with bytes of any of these files, in order.
    public func pieces(of keys: Set<ContentKey>) -> [Int] {
        guard let map else {
            return sparse.withLock { $0 }.filter { keys.contains($0.file.key) }.flatMap { entry in
                let count = Int((entry.file.length + Int64(pieceLength) - 1) / Int64(pieceLength))
                return Array(entry.firstPiece..<min(entry.firstPiece + count, pieceCount))
            }
        }
        var pieces: Set<Int> = []
        for (number, file) in files.enumerated() {
            guard let file, keys.contains(file.key) || file.staged.map(keys.contains) == true else { continue }
            pieces.formUnion(map.pieces(file: number))
        }
        return pieces.sorted()
    }

    /// The files with bytes of a piece.
    public func keys(ofPiece piece: Int) -> [ContentKey] {
        guard piece >= 0, piece < pieceCount else { return [] }
        guard let map else { return sparseEntry(at: piece).map { [$0.file.key] } ?? [] }
        return map.segments(of: PieceIndex(Int32(piece))).compactMap { files[$0.file]?.key }
    }

    /// Those of one file of a sparse torrent.
    public func known(_ file: TorrentContent.HashedFile) -> [Int] {
        let file = SparseFile(
            firstPiece: file.firstPiece,
            file: File(key: .file(root: file.root), length: file.length)
        )
        return pieces(of: file, heldIn: verified(file.file))
    }

    fileprivate func verified(_ file: File) -> ByteRanges {
        (try? content.verified(file.key, length: file.length)) ?? ByteRanges()
    }

    private func pieces(of entry: SparseFile, heldIn held: ByteRanges) -> [Int] {
        let step = Int64(pieceLength)
        let count = Int((entry.file.length + step - 1) / step)
        return (0..<count).filter { piece in
            let start = Int64(piece) * step
            return held.contains(start..<min(start + step, entry.file.length))
                && entry.firstPiece + piece < pieceCount
        }.map { entry.firstPiece + $0 }
    }
}

/// What is verified of each file, looked up once.
private struct HeldRanges {
    let storage: SiteStorage
    var known: [Int: (held: ByteRanges, staged: ByteRanges)] = [:]

    mutating func contain(_ piece: Int, in map: PieceMap) -> Bool {
        for segment in map.segments(of: PieceIndex(Int32(piece))) where !segment.isPadding {
            let range = segment.offset..<segment.offset + Int64(segment.length)
            let file = ranges(segment.file)
            guard file.held.contains(range) || file.staged.contains(range) else { return false }
        }
        return true
    }

    private mutating func ranges(_ number: Int) -> (held: ByteRanges, staged: ByteRanges) {
        if let ranges = known[number] { return ranges }
        guard let file = storage.files[number] else { return (ByteRanges(), ByteRanges()) }
        // What is staged may get its place meanwhile, but not the other way round.
        let staged = file.staged.map { storage.verified(SiteStorage.File(key: $0, length: file.length)) }
        let ranges = (storage.verified(file), staged ?? ByteRanges())
        known[number] = ranges
        return ranges
    }
}
