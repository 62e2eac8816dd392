// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import NIOCore

/// What a driver holds of its torrent's bytes: pieces that come in, and what is there to be sent.
///
/// Bounds are the session's: ``SessionConfiguration/bufferBytes`` of pieces, ``SessionConfiguration/readCacheBytes`` to be sent.
struct TorrentMemory {
    /// Bytes that peers are sent from.
    enum Source {
        case read(ByteBuffer)
        /// A piece from its first byte on, as it was received and verified.
        case piece(PieceBuffer)
    }

    private let pieces: PieceBufferPool
    private let buffers: BufferPool
    private var open: [PieceIndex: PieceBuffer] = [:]
    /// The one that was copied to last: nearly always the next one too.
    private var latest: (piece: PieceIndex, buffer: PieceBuffer)?
    /// Verified and written a moment ago: kept as a source, or given back.
    private var verified: [(piece: PieceIndex, buffer: PieceBuffer)] = []
    private var sources: [ReadID: Source] = [:]

    init(pieces: PieceBufferPool, buffers: BufferPool) {
        self.pieces = pieces
        self.buffers = buffers
    }

    // MARK: Pieces that come in

    /// Copies received bytes to their place. `length`: of the piece.
    mutating func copy(_ bytes: UnsafeRawBufferPointer, to piece: PieceIndex, _ length: Int, at offset: Int) {
        unsafe buffer(of: piece, length).copy(bytes, at: offset)
    }

    private mutating func buffer(of piece: PieceIndex, _ length: Int) -> PieceBuffer {
        if let latest, latest.piece == piece { return latest.buffer }
        let buffer = open[piece] ?? pieces.take(length)
        open[piece] = buffer
        latest = (piece, buffer)
        return buffer
    }

    /// Hands the piece's buffer on; nil where nothing of it came.
    mutating func take(_ piece: PieceIndex) -> PieceBuffer? {
        if latest?.piece == piece { latest = nil }
        return open.removeValue(forKey: piece)
    }

    mutating func release(_ piece: PieceIndex) { if let buffer = take(piece) { pieces.give(buffer) } }

    // MARK: What is to be sent

    /// A piece has been hashed; its buffer is here until ``releaseVerified()``.
    mutating func finished(_ piece: PieceIndex, _ buffer: PieceBuffer) { verified.append((piece, buffer)) }

    /// The piece that was verified a moment ago is a source from now on.
    mutating func keep(_ piece: PieceIndex, as id: ReadID) {
        guard let index = verified.firstIndex(where: { $0.piece == piece }) else { return }
        sources[id] = .piece(verified.remove(at: index).buffer)
    }

    mutating func releaseVerified() {
        for (_, buffer) in verified { pieces.give(buffer) }
        verified.removeAll(keepingCapacity: true)
    }

    mutating func read(_ id: ReadID, _ buffer: ByteBuffer) { sources[id] = .read(buffer) }
    func source(_ id: ReadID) -> Source? { sources[id] }

    mutating func release(_ id: ReadID) {
        switch sources.removeValue(forKey: id) {
        case .read(let buffer): buffers.give(buffer)
        case .piece(let buffer): pieces.give(buffer)
        case nil: break
        }
    }

    /// The torrent has ended.
    mutating func releaseAll() {
        for piece in Array(open.keys) { release(piece) }
        for id in Array(sources.keys) { release(id) }
        releaseVerified()
    }
}
