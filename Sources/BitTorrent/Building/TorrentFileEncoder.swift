// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Writes a .torrent file around an info dictionary, which goes in as it is.
struct TorrentFileEncoder {
    let info: [UInt8]
    let sources: TorrentSources

    /// `layers` are the piece layers by root.
    func encoded(_ layers: [[UInt8]: [UInt8]]) -> [UInt8] {
        var file: [String: BencodeValue] = ["info": .raw(info)]
        if let first = sources.trackers.first?.first { file["announce"] = .string(first) }
        if sources.trackers.count > 1 || (sources.trackers.first?.count ?? 0) > 1 {
            file["announce-list"] = .list(sources.trackers.map { .list($0.map(BencodeValue.string)) })
        }
        let similar = sources.similar
        if !similar.collections.isEmpty { file["collections"] = .list(similar.collections.map(BencodeValue.string)) }
        if !similar.infoHashes.isEmpty { file["similar"] = .list(similar.infoHashes.map { .bytes($0.bytes) }) }
        if let comment = sources.comment { file["comment"] = .string(comment) }
        if let createdBy = sources.createdBy { file["created by"] = .string(createdBy) }
        if let date = sources.creationDate { file["creation date"] = .integer(date) }
        if !sources.httpSeeds.isEmpty { file["httpseeds"] = .list(sources.httpSeeds.map(BencodeValue.string)) }
        if !sources.nodes.isEmpty {
            file["nodes"] = .list(sources.nodes.map { [.string($0.name), .integer(Int64($0.port))] })
        }
        if !layers.isEmpty { file["piece layers"] = .dictionary(layers.mapValues(BencodeValue.bytes)) }
        if !sources.webSeeds.isEmpty { file["url-list"] = .list(sources.webSeeds.map(BencodeValue.string)) }
        return BencodeValue.dictionary(file).encoded
    }
}

extension Metainfo {
    /// The torrent as a .torrent file: the info dictionary as it was received, and every piece layer that is known.
    public var torrentFile: [UInt8] { torrentFile(with: sources) }

    /// As ``torrentFile``, with other sources than those it came with.
    public func torrentFile(with sources: TorrentSources) -> [UInt8] {
        let layers = Dictionary(uniqueKeysWithValues: pieceLayers.map { ($0.key.bytes, $0.value) })
        return TorrentFileEncoder(info: infoDictionary, sources: sources).encoded(layers)
    }
}
