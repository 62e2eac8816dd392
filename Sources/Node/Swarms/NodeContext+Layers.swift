// SPDX-License-Identifier: Apache-2.0
internal import Storage
internal import Wire

extension NodeContext {
    /// Keeps piece layers that were proven against their roots, so that the files can be given to others after this
    /// torrent is closed. Those of files that are not held completely are left out. Blocks.
    func note(_ layers: [Digest256: [UInt8]], pieceLength: Int) throws {
        let held = layers.filter { content.contains(.file(root: $0.key)) || content.hasBegun(.file(root: $0.key)) }
        guard !held.isEmpty else { return }
        let new = try metadata.read { metadata in
            try held.filter { try metadata.pieceLayer(of: $0.key, pieceLength: pieceLength) == nil }
        }
        guard !new.isEmpty else { return }
        try metadata.write { metadata in
            for (root, hashes) in new { try metadata.savePieceLayer(hashes, of: root, pieceLength: pieceLength) }
        }
    }
}
