// SPDX-License-Identifier: Apache-2.0
public import BitTorrent
internal import Glibc
public import Storage
internal import Synchronization

/// The pieces of a torrent in the content store, where a file that several torrents hold is kept once.
///
/// A release's v2 torrent and its v1 twin are two of these over the same files. A sparse torrent's is told of files as they
/// become known. Thread-safe.
public final class SiteStorage: PieceStorage {
    /// A file of the torrent that is not empty.
    public struct File: Equatable, Sendable {
        /// Where the store keeps the file, or will.
        public var key: ContentKey
        /// Bytes, at least 1.
        public var length: Int64
        /// Where it is written instead, for as long as ``key`` is not there: what was verified by v1 pieces counts as the
        /// file of a root only after that has been looked at.
        public var staged: ContentKey?

        /// Without `staged` the file is written under `key`.
        public init(key: ContentKey, length: Int64, staged: ContentKey? = nil) {
            self.key = key
            self.length = length
            self.staged = staged
        }
    }

    struct SparseFile {
        var firstPiece: Int
        var file: File
    }

    /// A run of bytes of a piece.
    private struct Run {
        /// Nil for padding.
        var file: File?
        var offset: Int64
        /// Where the run lies in the piece.
        var range: Range<Int>
    }

    let content: ContentStore
    /// Of the torrent, in bytes.
    public let pieceLength: Int
    let pieceCount: Int
    /// Nil when sparse.
    let map: PieceMap?
    /// By number in the map; nil for padding and empty files.
    let files: [File?]
    /// By first piece; empty where there is a map.
    let sparse = Mutex<[SparseFile]>([])

    /// A whole torrent; `files` are in its order, nil for padding and empty files.
    public init(content: ContentStore, map: PieceMap, files: [File?]) {
        self.content = content
        self.map = map
        self.files = files
        pieceLength = map.pieceLength
        pieceCount = map.pieceCount
    }

    /// A whole torrent: its files are named by their BEP 52 roots where it has those, else by its v1 infohash.
    public convenience init(content: ContentStore, metainfo: Metainfo) {
        let files = metainfo.files.enumerated().map { index, file -> File? in
            guard file.length > 0, !file.isPadding else { return nil }
            if let root = file.piecesRoot { return File(key: .file(root: root), length: file.length) }
            return metainfo.infoHashes.v1.map { File(key: .v1(torrent: $0, file: index), length: file.length) }
        }
        self.init(content: content, map: metainfo.pieceMap, files: files)
    }

    /// A v2 torrent of which only single files are known.
    public init(content: ContentStore, sparsePieceLength pieceLength: Int, pieceCount: Int) {
        self.content = content
        self.pieceLength = max(1, pieceLength)
        self.pieceCount = pieceCount
        map = nil
        files = []
    }

    /// Adds a file of a sparse torrent; to be called before the session is told of it, which must not be told of one that
    /// was refused: what it verifies for one file would be kept as another's, whose root may be that of another site.
    ///
    /// - Returns: false where it does not fit into the torrent or overlaps another file.
    public func add(_ file: TorrentContent.HashedFile) -> Bool {
        let entry = SparseFile(
            firstPiece: file.firstPiece,
            file: File(key: .file(root: file.root), length: file.length)
        )
        guard file.length > 0, file.firstPiece >= 0, file.firstPiece < pieceCount,
            pieces(of: entry) <= pieceCount - file.firstPiece
        else { return false }
        return sparse.withLock { files in
            let position = Self.firstIndex(in: files) { $0.firstPiece >= file.firstPiece }
            if position < files.count {
                if files[position].firstPiece == file.firstPiece { return files[position].file == entry.file }
                guard file.firstPiece + pieces(of: entry) <= files[position].firstPiece else { return false }
            }
            if position > 0 {
                let previous = files[position - 1]
                guard previous.firstPiece + pieces(of: previous) <= file.firstPiece else { return false }
            }
            files.insert(entry, at: position)
            return true
        }
    }

    /// How many pieces a file that is not empty takes.
    private func pieces(of entry: SparseFile) -> Int { Int((entry.file.length - 1) / Int64(pieceLength)) + 1 }

    // MARK: Pieces

    /// Blocks. Throws for a piece that is not of a file known so far, and where the store refuses.
    public func write(_ piece: PieceIndex, _ bytes: RawSpan) throws(PieceStorageError) {
        for run in try runs(of: piece, begin: 0, length: bytes.byteCount) {
            guard let file = run.file else { continue }
            do throws(StorageError) {
                // SAFETY: the range lies in the span by `runs`, and the pointer is used within the closure.
                unsafe try bytes.extracting(run.range).withUnsafeBytes { (buffer) throws(StorageError) in
                    unsafe try write(buffer, to: file, at: run.offset)
                }
            } catch {
                throw Self.translate(error)
            }
        }
    }

    /// Blocks. Fills `bytes` from `offset` in the piece on; throws where the store does not have them.
    public func read(
        _ piece: PieceIndex,
        offset: Int,
        into bytes: inout MutableRawSpan
    ) throws(PieceStorageError) {
        for run in try runs(of: piece, begin: offset, length: bytes.byteCount) {
            let range = run.range.lowerBound - offset..<run.range.upperBound - offset
            do throws(StorageError) {
                // SAFETY: the range lies in the span by `runs`, and the pointer is used within the closure.
                unsafe try bytes.withUnsafeMutableBytes { (buffer) throws(StorageError) in
                    let part = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[range])
                    if let file = run.file {
                        unsafe try read(file, at: run.offset, into: part)
                    } else {
                        _ = unsafe part.initializeMemory(as: UInt8.self, repeating: 0)
                    }
                }
            } catch {
                throw Self.translate(error)
            }
        }
    }

    private func write(
        _ bytes: UnsafeRawBufferPointer,
        to file: File,
        at offset: Int64
    ) throws(StorageError) {
        if file.staged != nil, content.contains(file.key) { return }
        do throws(StorageError) {
            unsafe try content.write(bytes, to: file.staged ?? file.key, length: file.length, at: offset)
        } catch .notFound where content.contains(file.key) {
            // It became complete by other means just now.
        }
    }

    private func read(
        _ file: File,
        at offset: Int64,
        into bytes: UnsafeMutableRawBufferPointer
    ) throws(StorageError) {
        do throws(StorageError) {
            unsafe try content.read(file.key, at: offset, into: bytes)
        } catch .notFound where file.staged != nil {
            unsafe try content.read(file.staged ?? file.key, at: offset, into: bytes)
        }
    }

    /// The content store knows what is verified file by file; `verified` adds nothing to that.
    public func save(verified: Bitfield) throws(PieceStorageError) {
        do throws(StorageError) { try content.checkpoint() } catch { throw Self.translate(error) }
    }

    // MARK: Where pieces are

    /// The runs that make up a range of a piece. Fails where the piece, or an end of the range, is not in the torrent.
    private func runs(of piece: PieceIndex, begin: Int, length: Int) throws(PieceStorageError) -> [Run] {
        guard piece.raw >= 0, piece.raw < pieceCount, begin >= 0, length >= 0 else {
            throw .noSuchPiece(Int(piece.raw))
        }
        let runs = map.map { mapped($0, piece, begin, length) } ?? sparseRuns(Int(piece.raw), begin, length)
        guard runs.reduce(0, { $0 + $1.range.count }) == length else { throw .noSuchPiece(Int(piece.raw)) }
        return runs
    }

    private func mapped(_ map: PieceMap, _ piece: PieceIndex, _ begin: Int, _ length: Int) -> [Run] {
        map.segments(of: piece, begin: begin, length: length).map { segment in
            Run(
                file: segment.isPadding ? nil : files[segment.file],
                offset: segment.offset,
                range: segment.pieceOffset..<segment.pieceOffset + segment.length
            )
        }
    }

    /// The file with a piece of a sparse torrent, or the one before it.
    func sparseEntry(at piece: Int) -> SparseFile? {
        sparse.withLock { files -> SparseFile? in
            let next = Self.firstIndex(in: files) { $0.firstPiece > piece }
            return next > 0 ? files[next - 1] : nil
        }
    }

    private func sparseRuns(_ piece: Int, _ begin: Int, _ length: Int) -> [Run] {
        guard let entry = sparseEntry(at: piece) else { return [] }
        let start = Int64(piece - entry.firstPiece) * Int64(pieceLength)
        let end = min(entry.file.length - start, Int64(pieceLength))
        guard Int64(begin) + Int64(length) <= end else { return [] }
        return [Run(file: entry.file, offset: start + Int64(begin), range: begin..<begin + length)]
    }

    private static func firstIndex(in files: [SparseFile], where test: (SparseFile) -> Bool) -> Int {
        var low = 0
        var high = files.count
        while low < high {
            let middle = (low + high) / 2
            if test(files[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    // MARK: Errors

    private static func translate(_ error: StorageError) -> PieceStorageError {
        switch error {
        case .io(_, let path, let code): .system(errno: code, path: path)
        case .diskFull(let path): .system(errno: ENOSPC, path: path)
        case .notFound(let path): .system(errno: ENOENT, path: path)
        case .notPermitted(let path): .system(errno: EACCES, path: path)
        case .damaged(let path), .homeInUse(let path, _), .tooNew(let path, _), .tooLarge(let path, _):
            .endOfFile(path: path)
        case .outOfRange: .endOfFile(path: "")
        }
    }
}
