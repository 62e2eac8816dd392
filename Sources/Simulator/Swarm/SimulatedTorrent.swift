// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Keys
internal import Wire

/// A torrent of one file made from a seed.
struct SimulatedTorrent {
    let pieces: [[UInt8]]
    let content: TorrentContent
    let infoHashes: InfoHashes

    init?(pieceCount: Int, pieceLength: Int = 32_768, random: inout RandomStream) {
        pieces = (0..<pieceCount).map { _ in random.bytes(pieceLength) }
        var hashes: [UInt8] = []
        for piece in pieces { hashes.append(Hash.sha1(piece)) }
        let length = Int64(pieceCount * pieceLength)
        guard
            let map = PieceMap(
                lengths: [(length: length, isPadding: false)],
                pieceLength: pieceLength,
                alignment: .contiguous
            ), let content = TorrentContent(map: map, v1: hashes, files: [])
        else { return nil }
        self.content = content
        infoHashes = InfoHashes(v1: Hash.sha1(hashes))
    }
}
