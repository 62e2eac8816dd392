// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Feeds
internal import Swarm
internal import Transport
internal import Wire

/// Trackers and web seeds of a torrent, as a link, a torrent or a release names them. Bounded by whoever parsed them.
struct SourceHints: Equatable, Hashable, Sendable {
    /// By tier (BEP 12).
    var trackers: [[String]] = []
    /// Of BEP 19.
    var webSeeds: [String] = []
    /// Of BEP 17.
    var httpSeeds: [String] = []

    var isEmpty: Bool { trackers.isEmpty && webSeeds.isEmpty && httpSeeds.isEmpty }

    /// As a torrent file has them.
    init(_ sources: TorrentSources) {
        trackers = sources.trackers
        webSeeds = sources.webSeeds
        httpSeeds = sources.httpSeeds
    }

    /// A list without tiers: each tracker is one of its own.
    init(trackers: [String] = [], webSeeds: [String] = []) {
        self.trackers = trackers.map { [$0] }
        self.webSeeds = webSeeds
    }

    init(_ release: Release) { self.init(trackers: release.trackers, webSeeds: release.webSeeds) }

    /// `policy`: where they may be; what a stranger wrote is followed like any stranger's word.
    func tiers(_ policy: AddressPolicy) -> [[TrackerAddress]] {
        trackers.map { tier in tier.compactMap { ServiceURL($0) }.map { TrackerAddress(url: $0, policy: policy) } }
            .filter { !$0.isEmpty }
    }

    func seeds(_ policy: AddressPolicy) -> [WebSeedAddress] {
        func addresses(_ urls: [String], _ kind: WebSeedKind) -> [WebSeedAddress] {
            urls.compactMap { ServiceURL($0) }.filter { $0.scheme != .udp }
                .map { WebSeedAddress(url: $0, kind: kind, policy: policy) }
        }
        return addresses(webSeeds, .files) + addresses(httpSeeds, .pieces)
    }
}

extension NodeConfiguration {
    /// Where trackers and web seeds may be that others have named.
    var sourcePolicy: AddressPolicy { allowLocalSources ? .user : .stranger }
}
