// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Wire

extension Suites {
    static func merkle() -> [Benchmark] {
        let pieceLength = 1 << 20
        let pieces = 1024
        let bytes = [UInt8](repeating: 3, count: pieceLength)
        let layer = [UInt8](repeating: 7, count: pieces * Digest256.byteCount)
        let nodes = (0..<pieces).compactMap { Digest256(layer[$0 * 32..<$0 * 32 + 32]) }
        let height = Merkle.pieceLayer(pieceLength: pieceLength)
        let root = Merkle.root(of: nodes, layer: height)
        let length = Int64(pieces * pieceLength)
        guard var whole = MerkleTree(root: root, length: length, pieceLength: pieceLength), whole.setPieceLayer(layer)
        else {
            return []
        }
        let request = HashRequest(piecesRoot: root, baseLayer: height, index: 512, length: 512, proofLayers: 9)
        let complete = whole
        return [
            Benchmark("merkle: a piece of 1 MiB hashed to its root, each block", count: 64) {
                keep(Merkle.root(of: bytes))
            },
            Benchmark("merkle: a layer of 1,024 pieces checked, each", count: pieces) {
                var tree = MerkleTree(root: root, length: length, pieceLength: pieceLength)
                keep(tree?.setPieceLayer(layer))
            },
            Benchmark("merkle: 512 hashes and their proof for a peer") { keep(complete.answer(request)) },
        ]
    }
}
