// SPDX-License-Identifier: Apache-2.0
internal import Keys
public import Wire

/// Checks one piece's bytes against the hashes that a torrent has for it: v1, v2, or in a hybrid both.
///
/// Give the piece's data in order, without padding, in parts of any size. Memory: 32 bytes a block.
public struct PieceVerifier: Sendable {
    private var runner: HashJobRunner
    private let v1: Digest160?
    private let v2: Digest256?
    private let height: Int?

    /// - Returns: nil where a v2 side is all there is and its hash for the piece is not known yet.
    public init?(_ metainfo: Metainfo, piece: PieceIndex) {
        let v2 = metainfo.v2Hash(of: piece)
        let v1 = metainfo.v1Hash(of: piece)
        guard v1 != nil || v2 != nil else { return nil }
        self.v1 = v1
        self.v2 = v2
        height = metainfo.height(ofTreeUnder: piece)
        let length = metainfo.pieceMap.length(of: piece)
        runner = HashJobRunner(
            index: 0,
            segments: metainfo.pieceMap.segments(of: piece, begin: 0, length: length),
            pieceLength: metainfo.pieceLength,
            hasV1: v1 != nil,
            hasV2: v2 != nil
        )
    }

    /// Checks the piece's next bytes.
    public mutating func update(_ bytes: RawSpan) { runner.update(bytes) }

    /// The same for an array.
    public mutating func update(_ bytes: [UInt8]) { runner.update(bytes) }

    /// Whether all the bytes came and each hash is right.
    public consuming func finish() -> Bool {
        guard let result = runner.finish() else { return false }
        if let v1, Digest160(result.v1Pieces) != v1 { return false }
        if let v2 { return result.runs.count == 1 && result.runs[0].root(height: height) == v2 }
        return true
    }

    /// Whether `bytes` are the piece; nil where no hash for it is known.
    public static func verify(_ bytes: RawSpan, piece: PieceIndex, of metainfo: Metainfo) -> Bool? {
        guard var verifier = PieceVerifier(metainfo, piece: piece) else { return nil }
        verifier.update(bytes)
        return verifier.finish()
    }

    /// Whether `bytes` have `hash` as v1 has it.
    public static func verify(_ bytes: RawSpan, v1 hash: Digest160) -> Bool { Hash.sha1(bytes) == hash }

    /// Whether `bytes` are a piece of a file of `fileLength` bytes whose hash in v2 is `hash`.
    public static func verify(_ bytes: RawSpan, v2 hash: Digest256, fileLength: Int64, pieceLength: Int) -> Bool {
        let height = fileLength > Int64(pieceLength) ? Merkle.pieceLayer(pieceLength: pieceLength) : nil
        return Merkle.root(of: bytes, height: height) == hash
    }
}

extension Metainfo {
    /// The layers above the leaves in a piece's own tree; nil for a file of one piece, which has as many as it needs.
    func height(ofTreeUnder piece: PieceIndex) -> Int? {
        guard let place = v2Place(of: piece), files[place.file].length > Int64(pieceLength) else { return nil }
        return Merkle.pieceLayer(pieceLength: pieceLength)
    }
}
