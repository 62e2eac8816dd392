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
        ],
        // The torrents, and what the ones of webtorrent describe.
        companions: { $0.hasSuffix(".torrent") || $0.hasPrefix("webtorrent/content/") }
    )

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
