// SPDX-License-Identifier: Apache-2.0
public import BitTorrent
internal import Glibc
internal import Synchronization

/// The files of a torrent in a folder, as other clients lay them out: the file itself, or a folder of the torrent's name.
///
/// Files appear when the first piece of theirs is written, and are opened beneath the folder without following links, by
/// names that ``PathSanitizer`` has made safe. Nothing is allocated ahead. Thread-safe; at most ``OpenFiles/capacity``
/// files are open.
public final class DirectoryStorage: PieceStorage {
    struct File: Sendable {
        /// From the folder; empty for what is not kept, such as padding.
        var components: [String]
        var length: Int64
        var isExecutable: Bool

        var path: String { components.joined(separator: "/") }
    }

    let files: [File]
    let map: PieceMap
    let root: FileDescriptor
    private let record: ResumeRecord.Place
    private let open = OpenFiles()
    private let changed = Mutex<Set<Int>>([])

    /// `path`: the folder; made if it is not there, but not its parent.
    /// Throws ``PieceStorageError`` where a name cannot be kept or the folder not be opened.
    public init(_ metainfo: Metainfo, at path: String) throws(PieceStorageError) {
        files = try Self.files(of: metainfo)
        map = metainfo.pieceMap
        root = try FileDescriptor.folder(path)
        record = ResumeRecord.Place(metainfo.infoHashes)
    }

    private static func files(of metainfo: Metainfo) throws(PieceStorageError) -> [File] {
        let paths: [SanitizedPath?]
        do { paths = try PathSanitizer.sanitize(metainfo.files) } catch { throw .unsafeName("\(error)") }
        let (top, _) = PathSanitizer.sanitize(name: metainfo.name)
        var files: [File] = []
        files.reserveCapacity(paths.count)
        for (file, path) in zip(metainfo.files, paths) {
            var components: [String] = []
            // A symbolic link of a torrent is left out: it could lead anywhere.
            if let path, !file.isPadding, file.symlinkTarget == nil {
                components = metainfo.isSingleFile ? [top] : [top] + path.components
            }
            files.append(File(components: components, length: file.length, isExecutable: file.isExecutable))
        }
        return files
    }

    // MARK: Pieces

    /// Blocks. Throws for a piece or bytes that the torrent has not, and where the system refuses.
    public func write(_ piece: PieceIndex, _ bytes: RawSpan) throws(PieceStorageError) {
        guard map.index(piece.raw) != nil else { throw .noSuchPiece(Int(piece.raw)) }
        for segment in map.segments(of: piece) where !files[segment.file].components.isEmpty {
            let end = segment.pieceOffset + segment.length
            guard end <= bytes.byteCount else { throw .noSuchPiece(Int(piece.raw)) }
            let file = try file(for: segment, forWriting: true)
            try file.write(bytes.extracting(segment.pieceOffset..<end), at: segment.offset)
            changed.withLock { _ = $0.insert(segment.file) }
        }
    }

    /// Blocks. Fills `bytes` from `offset` in the piece on; throws where less is there, and where the system refuses.
    public func read(
        _ piece: PieceIndex,
        offset: Int,
        into bytes: inout MutableRawSpan
    ) throws(PieceStorageError) {
        guard map.index(piece.raw) != nil else { throw .noSuchPiece(Int(piece.raw)) }
        for segment in map.segments(of: piece, begin: offset, length: bytes.byteCount) {
            let start = segment.pieceOffset - offset
            let range = start..<start + segment.length
            if segment.isPadding || files[segment.file].components.isEmpty {
                Self.fillWithZeros(&bytes, range)
            } else {
                try file(for: segment, forWriting: false).read(into: &bytes, range, at: segment.offset)
            }
        }
    }

    static func fillWithZeros(_ bytes: inout MutableRawSpan, _ range: Range<Int>) {
        // SAFETY: the range lies in the span, and the pointer is used within the closure.
        _ = unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[range]).initializeMemory(as: UInt8.self, repeating: 0)
        }
    }

    // MARK: Files

    /// The bytes of another torrent's segment, from this torrent's file `number` at the same place.
    func readFile(
        _ number: Int,
        like segment: FileSegment,
        into bytes: inout MutableRawSpan
    ) throws(PieceStorageError) {
        guard files.indices.contains(number), !files[number].components.isEmpty else { throw .noSuchPiece(number) }
        var own = segment
        own.file = number
        let range = segment.pieceOffset..<segment.pieceOffset + segment.length
        try file(for: own, forWriting: false).read(into: &bytes, range, at: segment.offset)
    }

    /// The file of a segment. One that is read or written as a whole is not kept open: nobody comes back to it soon, and
    /// with thousands of small files the upkeep of those that are open costs more than opening.
    private func file(for segment: FileSegment, forWriting: Bool) throws(PieceStorageError) -> FileDescriptor {
        let entry = files[segment.file]
        let isWhole = Int64(segment.length) == entry.length
        if !isWhole, let file = open.file(segment.file, forWriting: forWriting) { return file }
        let file = forWriting ? try create(entry) : try openExisting(entry)
        if !isWhole { open.insert(file, number: segment.file, isWritable: forWriting) }
        return file
    }

    private func openExisting(_ entry: File) throws(PieceStorageError) -> FileDescriptor {
        let (file, error) = root.openBeneath(entry.path, flags: O_RDONLY, mode: 0)
        guard let file else { throw .system(errno: error, path: entry.path) }
        return file
    }

    private func create(_ entry: File) throws(PieceStorageError) -> FileDescriptor {
        let mode: UInt32 = entry.isExecutable ? 0o755 : 0o644
        var (file, error) = root.openBeneath(entry.path, flags: O_RDWR | O_CREAT, mode: mode)
        if file == nil, error == ENOENT {
            try root.makeFolders(entry.components.dropLast())
            (file, error) = root.openBeneath(entry.path, flags: O_RDWR | O_CREAT, mode: mode)
        }
        guard let file else { throw .system(errno: error, path: entry.path) }
        // A longer file that was there before would not be the torrent's.
        if let stamp = file.stamp(), stamp.size > entry.length { file.truncate(to: entry.length) }
        return file
    }

    /// Makes the files that have no bytes, which no piece brings.
    public func createEmptyFiles() throws(PieceStorageError) {
        for entry in files where entry.length == 0 && !entry.components.isEmpty { _ = try create(entry) }
    }

    // MARK: Resuming

    /// Syncs what was written since the last time, then notes what is there.
    public func save(verified: Bitfield) throws(PieceStorageError) {
        let written = changed.withLock { changed in
            let written = changed
            changed = []
            return written
        }
        for number in written { try openExisting(files[number]).sync() }
        try ResumeRecord(verified: verified, stamps: stamps()).write(to: record, in: root)
    }

    /// What the record of an earlier run vouches for, and what must be looked at.
    ///
    /// A file that is as it was when the record was written is believed; of every other file that is there, all pieces are
    /// to be checked.
    public func known() -> (verified: Bitfield, toCheck: [PieceIndex]) {
        let saved = ResumeRecord.read(from: record, in: root, pieces: map.pieceCount, files: files.count)
        let current = stamps()
        var verified = Bitfield(count: map.pieceCount)
        var uncertain = Bitfield(count: map.pieceCount)
        for number in files.indices where files[number].length > 0 && !files[number].components.isEmpty {
            let isUnchanged = saved != nil && saved?.stamps[number] == current[number]
            guard !isUnchanged, current[number].size > 0 else { continue }
            for piece in map.pieces(file: number) { uncertain[piece] = true }
        }
        for piece in saved?.verified.indices ?? [] where !uncertain[piece] { verified[piece] = true }
        return (verified, uncertain.indices.map { PieceIndex(Int32($0)) })
    }

    private func stamps() -> [FileStamp] {
        let absent = FileStamp(size: 0, modified: 0)
        // In a folder that is not there, as before every first download, nothing needs to be looked at.
        var folder: (path: ArraySlice<String>, isThere: Bool) = ([], true)
        return files.map { entry in
            guard !entry.components.isEmpty else { return absent }
            let path = entry.components.dropLast()
            if path != folder.path {
                folder = (path, path.isEmpty || root.stamp(of: path.joined(separator: "/")) != absent)
            }
            return folder.isThere ? root.stamp(of: entry.path) : absent
        }
    }
}
