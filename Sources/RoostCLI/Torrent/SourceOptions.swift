// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BitTorrent
internal import Node
internal import Swarm
internal import Transport
internal import Wire

/// Which trackers and web seeds a stand-alone torrent uses.
struct SourceOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A tracker besides those of the torrent; may be repeated.", valueName: "url"))
    var tracker: [String] = []
    @Flag(help: "Ask no tracker.") var noTrackers = false
    @Option(help: ArgumentHelp("A web seed (BEP 19) besides those of the torrent; may be repeated.", valueName: "url"))
    var webSeed: [String] = []
    @Flag(help: "Use no web seed.") var noWebSeeds = false
    @Flag(help: "Let the torrent's own trackers and web seeds be on this machine or in the local network.")
    var allowLocal =
        false

    func validate() throws {
        for url in tracker where ServiceURL(url) == nil {
            throw ValidationError("\(url) is no tracker: write it as http://host/announce or udp://host:port.")
        }
        for url in webSeed where ServiceURL(url).map({ $0.scheme == .udp }) ?? true {
            throw ValidationError("\(url) is no web seed: write it as http://host/path.")
        }
    }

    /// BEP 19 and BEP 17; those that the user gave come first.
    func webSeeds(files: [String], pieces: [String] = []) -> [WebSeedAddress] {
        guard !noWebSeeds else { return [] }
        func addresses(_ urls: [String], _ kind: WebSeedKind, _ policy: AddressPolicy) -> [WebSeedAddress] {
            urls.compactMap { ServiceURL($0) }.map { WebSeedAddress(url: $0, kind: kind, policy: policy) }
        }
        let all =
            addresses(webSeed, .files, .user) + addresses(files, .files, policy) + addresses(pieces, .pieces, policy)
        var seen: Set<ServiceURL> = []
        return all.filter { seen.insert($0.url).inserted }
    }

    private var policy: AddressPolicy { allowLocal ? .user : .stranger }

    /// By tier: each that the user gave is one of its own, before those of the torrent.
    func tiers(_ torrent: [[String]]) -> [[TrackerAddress]] {
        guard !noTrackers else { return [] }
        let given = tracker.compactMap { ServiceURL($0) }.map { [TrackerAddress(url: $0, policy: .user)] }
        return given
            + torrent.map { tier in
                tier.compactMap { ServiceURL($0) }.map { TrackerAddress(url: $0, policy: policy) }
            }
    }
}

/// A tracker as commands print it.
struct TrackerReport: Encodable {
    var url: String
    var tier: Int
    var state: String
    var seeders: Int?
    var leechers: Int?
    var peers: Int?
    var message: String?

    init(_ status: TrackerStatus) {
        url = status.url.description
        tier = status.tier
        state = status.state.rawValue
        seeders = status.seeders
        leechers = status.leechers
        peers = status.peers
        message = status.message ?? status.error.map { Self.words($0) }
    }

    static func words(_ error: TrackerError) -> String {
        switch error {
        case .refused(let text, _): text
        case .malformed: "its answer is none of a tracker"
        case .timeout: "it did not answer in time"
        case .unreachable: "it cannot be reached"
        case .status(let code): "it answered with HTTP status \(code)"
        case .forbidden: "it is at an address that strangers may not name; --allow-local or --tracker permits it"
        case .noScrape: "it cannot be scraped"
        }
    }
}

/// A web seed as commands print it.
struct WebSeedReport: Encodable {
    var url: String
    var received: Int64
    var state: String

    init(_ status: WebSeedStatus) {
        url = status.url.description
        received = status.received
        state = status.retirement.map { Self.words($0) } ?? (status.isWaiting ? "waiting" : "in use")
    }

    private static func words(_ retirement: WebSeed.Retirement) -> String {
        switch retirement {
        case .malformed: "given up: it sends something else than the torrent says"
        case .status(let code): "given up: HTTP status \(code)"
        case .noRanges: "given up: it sends no parts of files"
        case .badRedirect: "given up: it redirects in circles, or to nowhere"
        case .empty: "given up: it has none of the files"
        case .forbidden: "given up: it is at an address that strangers may not name; --allow-local permits it"
        }
    }
}
