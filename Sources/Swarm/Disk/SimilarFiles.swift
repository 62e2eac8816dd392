// SPDX-License-Identifier: Apache-2.0
public import BitTorrent
internal import Dispatch
internal import Synchronization
internal import Wire

/// Pieces of a torrent made from files of other torrents that lie on this machine (BEP 38).
///
/// A file of the other torrent is a candidate for one of ours when both have the same v2 root, or, where one has none, the
/// same length; a whole piece is one when both torrents cut alike and its hash is the same. Everything is hashed against our
/// torrent before it is written: a wrong guess costs reading, never wrong bytes.
///
/// Memory: a piece for each thread, 16 bytes for each piece of the others, and a few numbers for each file.
public struct SimilarFiles: Sendable {
    /// A torrent whose files are here, all or some.
    public struct Source: Sendable {
        /// What the files are, by the other torrent.
        public var metainfo: Metainfo
        /// Where they lie; they are read only.
        public var storage: DirectoryStorage

        /// Files may be missing or damaged: what is read is hashed first.
        public init(_ metainfo: Metainfo, _ storage: DirectoryStorage) {
            self.metainfo = metainfo
            self.storage = storage
        }
    }

    /// Files of one length that are tried for one of ours.
    static let maximumCandidates = 4

    private struct Candidate: Hashable {
        var source: Int
        var file: Int
    }

    /// A hash of either kind, by its first bytes: what is found is hashed again.
    private typealias PieceKey = Digest160

    private let metainfo: Metainfo
    private let content: TorrentContent
    private let sources: [Source]
    /// For each of our files.
    private let candidates: [[Candidate]]
    private let pieces: [PieceKey: (source: Int, piece: PieceIndex)]

    /// `content`: as the session has it.
    public init(_ metainfo: Metainfo, content: TorrentContent, sources: [Source]) {
        self.metainfo = metainfo
        self.sources = sources
        var content = content
        // A piece layer that another torrent has of the same file proves its pieces here too.
        for source in sources where source.metainfo.pieceLength == metainfo.pieceLength {
            for (root, layer) in source.metainfo.pieceLayers { content.setPieceLayer(layer, of: root) }
        }
        self.content = content
        candidates = Self.candidates(metainfo, sources)
        pieces = Self.pieces(metainfo, sources)
    }

    /// Nothing that could be used was found.
    public var isEmpty: Bool { pieces.isEmpty && candidates.allSatisfy(\.isEmpty) }

    private static func candidates(_ metainfo: Metainfo, _ sources: [Source]) -> [[Candidate]] {
        var byLength: [Int64: [Candidate]] = [:]
        for (number, source) in sources.enumerated() {
            for (index, file) in source.metainfo.files.enumerated() where file.length > 0 && !file.isPadding {
                byLength[file.length, default: []].append(Candidate(source: number, file: index))
            }
        }
        return metainfo.files.map { file in
            guard file.length > 0, !file.isPadding, let alike = byLength[file.length] else { return [] }
            func rank(_ candidate: Candidate) -> Int? {
                let other = sources[candidate.source].metainfo.files[candidate.file]
                if let root = file.piecesRoot, let otherRoot = other.piecesRoot { return root == otherRoot ? 0 : nil }
                return other.path.last == file.path.last ? 1 : 2
            }
            let ranked = alike.compactMap { candidate in rank(candidate).map { (candidate, $0) } }
            return ranked.sorted { $0.1 < $1.1 }.prefix(maximumCandidates).map(\.0)
        }
    }

    private static func pieces(
        _ metainfo: Metainfo,
        _ sources: [Source]
    ) -> [PieceKey: (source: Int, piece: PieceIndex)] {
        var pieces: [PieceKey: (source: Int, piece: PieceIndex)] = [:]
        for (number, source) in sources.enumerated() where source.metainfo.pieceLength == metainfo.pieceLength {
            for raw in 0..<source.metainfo.pieceMap.pieceCount {
                let piece = PieceIndex(Int32(raw))
                for key in keys(of: piece, in: source.metainfo) where pieces[key] == nil {
                    pieces[key] = (number, piece)
                }
            }
        }
        return pieces
    }

    private static func keys(of piece: PieceIndex, in metainfo: Metainfo) -> [PieceKey] {
        [metainfo.v1Hash(of: piece), metainfo.v2Hash(of: piece)?.truncated].compactMap(\.self)
    }

    // MARK: Filling

    /// Writes into `storage` what can be made of `wanted`. Blocks; `threads` pieces are in memory at once.
    ///
    /// - Returns: the pieces that are there now, verified.
    public func fill(_ wanted: [PieceIndex], into storage: any PieceStorage, threads: Int) -> Bitfield {
        struct State {
            var next = 0
            var done: Bitfield
        }
        let state = Mutex(State(done: Bitfield(count: content.pieceCount)))
        guard !isEmpty, !wanted.isEmpty else { return state.withLock { $0.done } }
        DispatchQueue.concurrentPerform(iterations: max(1, min(threads, wanted.count))) { _ in
            let buffer = PieceBuffer(capacity: max(content.pieceLength, 1))
            while true {
                let next = state.withLock { state in
                    defer { state.next += 1 }
                    return state.next
                }
                guard next < wanted.count else { return }
                guard make(wanted[next], buffer, storage) else { continue }
                state.withLock { $0.done[Int(wanted[next].raw)] = true }
            }
        }
        return state.withLock { $0.done }
    }

    private func make(_ piece: PieceIndex, _ buffer: PieceBuffer, _ storage: any PieceStorage) -> Bool {
        guard let check = content.check(of: Int(piece.raw)), check.dataLength <= buffer.capacity else { return false }
        for attempt in 0..<Self.maximumCandidates {
            guard let (isWhole, isLast) = assemble(piece, attempt, check.dataLength, buffer) else { break }
            if isWhole, store(check, buffer, storage) { return true }
            if isLast { break }
        }
        for key in Self.keys(of: piece, in: metainfo) {
            guard let found = pieces[key] else { continue }
            let isRead = buffer.withMutableBytes(check.dataLength) {
                PieceWorker.read(found.piece, into: &$0, sources[found.source].storage)
            }
            if isRead, store(check, buffer, storage) { return true }
        }
        return false
    }

    private func store(_ check: PieceCheck, _ buffer: PieceBuffer, _ storage: any PieceStorage) -> Bool {
        buffer.withBytes(check.dataLength) { PieceWorker.verifyAndStore(check, $0, in: storage) }
            == .stored(blockDigests: [])
    }

    /// Reads the piece from the candidates of that rank, or the last that a file has.
    ///
    /// - Returns: whether all of it could be read, and whether there are no more to try; nil where a part of it is nowhere.
    private func assemble(
        _ piece: PieceIndex,
        _ attempt: Int,
        _ length: Int,
        _ buffer: PieceBuffer
    ) -> (isWhole: Bool, isLast: Bool)? {
        let segments = metainfo.pieceMap.segments(of: piece, begin: 0, length: length)
        guard segments.allSatisfy({ $0.isPadding || !candidates[$0.file].isEmpty }) else { return nil }
        let isLast = segments.allSatisfy { $0.isPadding || candidates[$0.file].count <= attempt + 1 }
        // The buffer may still hold this piece from another time: what was not read is not to be taken for what is there.
        var isWhole = true
        buffer.withMutableBytes(length) { bytes in
            for segment in segments {
                guard !segment.isPadding else {
                    let range = segment.pieceOffset..<segment.pieceOffset + segment.length
                    DirectoryStorage.fillWithZeros(&bytes, range)
                    continue
                }
                let choices = candidates[segment.file]
                let candidate = choices[min(attempt, choices.count - 1)]
                do throws(PieceStorageError) {
                    try sources[candidate.source].storage.readFile(candidate.file, like: segment, into: &bytes)
                } catch { isWhole = false }
            }
        }
        return (isWhole, isLast)
    }
}
