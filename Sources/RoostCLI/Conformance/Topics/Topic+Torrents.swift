// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Foundation
internal import Keys
internal import Wire

extension ConformanceTopic {
    static let torrents = ConformanceTopic(
        name: "torrents",
        checks: [
            ("expectations.json", checkExpectations), ("bencode_cases.json", checkBencodeCases),
            ("magnet_cases.json", checkMagnets), ("bep_vectors.json", checkBEPs),
            ("webtorrent/alice.torrent", { try checkContent("webtorrent/alice.torrent", $0, &$1) }),
            ("webtorrent/folder.torrent", { try checkContent("webtorrent/folder.torrent", $0, &$1) }),
            ("webtorrent/lots-of-numbers.torrent", { try checkContent("webtorrent/lots-of-numbers.torrent", $0, &$1) }),
        ],
        // The torrents, which the expectations name, and what those of webtorrent describe.
        companions: { $0.hasSuffix(".torrent") || $0.hasPrefix("webtorrent/content/") }
    )

    // MARK: webtorrent/content

    /// Every piece of a torrent, put together from the files that it describes, has the hash that it says.
    private static func checkContent(
        _ file: String,
        _ folder: VectorFolder,
        _ result: inout ConformanceResult
    ) throws {
        let metainfo = try Metainfo(torrentFile: folder.bytes(file))
        let root = "webtorrent/content/" + (metainfo.isSingleFile ? "" : "\(metainfo.name)/")
        let contents = try metainfo.files.map { try folder.bytes(root + $0.path.joined(separator: "/")) }
        for (content, listed) in zip(contents, metainfo.files) where Int64(content.count) != listed.length {
            throw VectorFolder.Unreadable(description: "\(listed.path) has another length")
        }
        for number in metainfo.pieceMap.indices {
            guard let piece = metainfo.pieceMap.index(number) else { continue }
            let bytes = metainfo.pieceMap.segments(of: piece).flatMap { segment in
                contents[segment.file].dropFirst(Int(segment.offset)).prefix(segment.length)
            }
            result.check("\(file) piece \(number)", Hash.sha1(bytes) == metainfo.v1Hash(of: piece))
        }
    }

    // MARK: bep_vectors.json

    private struct BEPs: Decodable {
        struct SecuredID: Decodable {
            var ip: String
            var rand: UInt8
            var id_example: String
        }
        struct Item: Decodable {
            var kind: String
            var value: String
            var salt: String?
            var seq: Int64?
            var signed: String?
            var `public`: String?
            var private_expanded: String?
            var target: String
            var signature: String?
        }
        struct Link: Decodable {
            var `public`: String
            var salt_hex: String
            var target: String
        }
        var bep42: [SecuredID]
        var bep44: [Item]
        var bep46: [Link]
        var ed25519: [SigningCase]
    }

    private static func checkBEPs(_ folder: VectorFolder, _ result: inout ConformanceResult) throws {
        let vectors: BEPs = try folder.json("bep_vectors.json")
        for vector in vectors.bep42 {
            try checkSecuredID(vector.id_example, address: vector.ip, random: vector.rand, &result)
        }
        for item in vectors.bep44 {
            guard item.kind == "mutable" else {
                checkImmutable(item.value, target: item.target, &result)
                continue
            }
            try checkMutable(
                MutableVector(
                    value: item.value,
                    salt: item.salt ?? "",
                    sequence: try VectorFolder.require(item.seq, "a sequence number"),
                    signed: item.signed ?? "",
                    key: item.public ?? "",
                    expandedKey: item.private_expanded ?? "",
                    target: item.target,
                    signature: item.signature ?? ""
                ),
                &result
            )
        }
        for link in vectors.bep46 {
            let salt = link.salt_hex.isEmpty ? "" : "&s=\(link.salt_hex)"
            checkLink("magnet:?xs=urn:btpk:\(link.public)\(salt)", target: link.target, &result)
        }
        try checkSigning(vectors.ed25519, &result)
    }

    // MARK: magnet_cases.json

    private struct Magnets: Decodable {
        struct Case: Decodable {
            var uri: String
            var observed_libtorrent_2_1_1: Observed
        }
        struct Observed: Decodable {
            var ok: Bool
            var v1: String?
            var v2: String?
            var name: String?
            var trackers: [String]?
            var url_seeds: [String]?
            var dht_nodes: [Host]?
            var peers: [Host]?
            var file_priorities: [Int]?
        }
        /// `[name, port]`
        struct Host: Decodable {
            var value: TorrentSources.Host

            init(from decoder: any Decoder) throws {
                var container = try decoder.unkeyedContainer()
                let name = try container.decode(String.self)
                value = TorrentSources.Host(name: name, port: try container.decode(UInt16.self))
            }
        }
        var cases: [Case]
    }

    private static func checkMagnets(_ folder: VectorFolder, _ result: inout ConformanceResult) throws {
        let vectors: Magnets = try folder.json("magnet_cases.json")
        for vector in vectors.cases {
            let expected = vector.observed_libtorrent_2_1_1
            let magnet = try? Magnet(vector.uri)
            guard let magnet, expected.ok else {
                result.check(vector.uri, magnet == nil && !expected.ok, expected.ok ? "refused" : "accepted")
                continue
            }
            let rereads = (try? Magnet(magnet.description)) == magnet
            result.check(vector.uri, matches(magnet, expected) && rereads, "got \(magnet)")
        }
    }

    private static func matches(_ magnet: Magnet, _ expected: Magnets.Observed) -> Bool {
        magnet.infoHashes.v1?.hex == expected.v1 && magnet.infoHashes.v2?.hex == expected.v2
            && magnet.displayName ?? "" == expected.name ?? "" && magnet.trackers == expected.trackers ?? []
            && magnet.webSeeds == expected.url_seeds ?? []
            && magnet.nodes == (expected.dht_nodes ?? []).map(\.value)
            && magnet.peers == (expected.peers ?? []).map(\.value)
            && selects(magnet.selectedFiles, priorities: expected.file_priorities ?? [])
    }

    /// BEP 53: a priority of 0 is a file that is not wanted; files after the last priority are not wanted either.
    private static func selects(_ ranges: [ClosedRange<Int>]?, priorities: [Int]) -> Bool {
        guard let ranges else { return priorities.isEmpty }
        let wanted = Set(ranges.flatMap { $0 })
        return wanted == Set(priorities.indices.filter { priorities[$0] > 0 }) && !priorities.isEmpty
    }
}
