// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Feeds
internal import Kademlia
internal import Keys
internal import Wire

extension ConformanceTopic {
    static let bep46 = ConformanceTopic(name: "bep46", checks: [("bep46.json", checkLinks)])

    private struct Link: Decodable {
        var magnet: String
        var target: String
    }

    private static func checkLinks(_ folder: VectorFolder, _ result: inout ConformanceResult) throws {
        for vector in try folder.json("bep46.json", as: [Link].self) {
            checkLink(vector.magnet, target: vector.target, &result)
        }
    }

    /// From a magnet link to the place of its item in the DHT, by both of the ways that the program has.
    static func checkLink(_ link: String, target: String, _ result: inout ConformanceResult) {
        let publisher = (try? Magnet(link))?.publisher
        let item = publisher.map { MutableItem.target(key: $0.key, salt: $0.salt) }
        let pointer = publisher.map { SitePointer.target(of: $0.key, salt: $0.salt) }
        result.check("bep46 \(link)", item?.hex == target && item == pointer, "got \(item?.hex ?? "no target")")
    }
}
