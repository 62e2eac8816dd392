// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Foundation
internal import Wire

/// A torrent as `torrent show` and `torrent create` print it.
struct TorrentSummary: Encodable {
    struct File: Encodable {
        var path: String
        var length: Int64
    }

    /// What a tracker counts; of a hybrid the sum under both hashes.
    struct Scrape: Encodable {
        var tracker: String
        var seeders: Int?
        var leechers: Int?
        var completed: Int?
        var error: String?

        init(_ tracker: String, _ counts: [ScrapeCount]) {
            self.tracker = tracker
            seeders = counts.reduce(0) { $0 &+ $1.seeders }
            leechers = counts.reduce(0) { $0 &+ $1.leechers }
            completed = counts.reduce(0) { $0 &+ $1.completed }
        }

        init(_ tracker: String, _ error: TrackerError) {
            self.tracker = tracker
            self.error = TrackerReport.words(error)
        }
    }

    var name: String?
    var kind: String?
    var v1: String?
    var v2: String?
    var files: [File]
    var pieceLength: Int?
    var pieces: Int?
    var `private`: Bool?
    var webSeeds: [String]
    var trackers: [String]
    /// BEP 38: infohashes of torrents that may share files, and collections.
    var similar: [String]
    var collections: [String]
    var bytes: Int64?
    var magnet: String
    var scrapes: [Scrape]?

    init(_ metainfo: Metainfo) {
        name = metainfo.name
        kind = metainfo.kind.rawValue
        v1 = metainfo.infoHashes.v1?.hex
        v2 = metainfo.infoHashes.v2?.hex
        files = metainfo.files.filter { !$0.isPadding }
            .map { File(path: $0.path.joined(separator: "/"), length: $0.length) }
        pieceLength = metainfo.pieceLength
        pieces = metainfo.pieceMap.pieceCount
        `private` = metainfo.isPrivate
        webSeeds = metainfo.sources.webSeeds + metainfo.sources.httpSeeds
        trackers = metainfo.sources.trackers.flatMap { $0 }
        similar = metainfo.similar.infoHashes.map(\.hex)
        collections = metainfo.similar.collections
        bytes = metainfo.totalLength
        var link = Magnet(infoHashes: metainfo.infoHashes, displayName: metainfo.name)
        link.trackers = trackers
        magnet = link.description
    }

    init(_ magnet: Magnet) {
        name = magnet.displayName
        v1 = magnet.infoHashes.v1?.hex
        v2 = magnet.infoHashes.v2?.hex
        files = []
        webSeeds = magnet.webSeeds
        trackers = magnet.trackers
        similar = []
        collections = []
        self.magnet = magnet.description
    }

    /// For people; names are shown without control characters.
    var text: String {
        var lines: [String] = []
        func line(_ label: String, _ value: String?) {
            if let value {
                lines.append(label.padding(toLength: 14, withPad: " ", startingAt: 0) + PlainText.word(value))
            }
        }
        line("name", name)
        line("kind", kind)
        line("v1 infohash", v1)
        line("v2 infohash", v2)
        line("size", bytes.map { "\(ProgressBar.bytes($0)) in \(files.count) files" })
        line("pieces", pieces.map { "\($0) of \(ProgressBar.bytes(Int64(pieceLength ?? 0)))" })
        line("private", `private` == true ? "yes: peers come from its trackers only" : nil)
        for tracker in trackers { line("tracker", tracker) }
        for scrape in scrapes ?? [] {
            let counts = "\(scrape.seeders ?? 0) seeders, \(scrape.leechers ?? 0) leechers"
            line("scrape", "\(scrape.tracker): \(scrape.error ?? counts)")
        }
        for seed in webSeeds { line("web seed", seed) }
        for hash in similar { line("similar", hash) }
        for name in collections { line("collection", name) }
        line("magnet", magnet)
        for file in files.prefix(200) {
            lines.append("  \(PlainText.word(file.path))  \(ProgressBar.bytes(file.length))")
        }
        if files.count > 200 { lines.append("  … and \(files.count - 200) more; --json lists all") }
        return lines.joined(separator: "\n")
    }
}
