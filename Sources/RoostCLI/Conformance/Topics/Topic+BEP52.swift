// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Wire

extension ConformanceTopic {
    static let bep52 = ConformanceTopic(
        name: "bep52",
        checks: [("expected.json", checkTorrents)],
        companions: { $0.hasSuffix(".torrent") }
    )

    private struct Expected: Decodable {
        struct Valid: Decodable {
            var info_hash_v2: String
            var info_hash_v1: String?
            var piece_length: Int
            var piece_layers_verified: Int
        }
        var valid: [String: Valid]
        var invalid: [String: String]
    }

    /// Rule: a refusal must be for the reason that libtorrent gives, in our words for it.
    private static func checkTorrents(_ folder: VectorFolder, _ result: inout ConformanceResult) throws {
        let expected: Expected = try folder.json("expected.json")
        for (file, torrent) in expected.valid.sorted(by: { $0.key < $1.key }) {
            do {
                let metainfo = try Metainfo(torrentFile: folder.bytes(file))
                let holds =
                    metainfo.infoHashes.v2?.hex == torrent.info_hash_v2
                    && metainfo.infoHashes.v1?.hex == torrent.info_hash_v1
                    && metainfo.pieceLength == torrent.piece_length
                    && metainfo.pieceLayers.count == torrent.piece_layers_verified
                    && metainfo.filesWithoutPieceLayer.isEmpty
                result.check(file, holds, "got \(metainfo.infoHashes), \(metainfo.pieceLayers.count) piece layers")
            } catch {
                result.check(file, false, "refused: \(error)")
            }
        }
        for (file, reason) in expected.invalid.sorted(by: { $0.key < $1.key }) {
            let bytes = try folder.bytes(file)
            do throws(MetainfoError) {
                _ = try Metainfo(torrentFile: bytes)
                result.check(file, false, "accepted, should be refused: \(reason)")
            } catch {
                result.check(file, error.isReason(reason) == true, "refused for \(error), should be \(reason)")
            }
        }
    }
}
