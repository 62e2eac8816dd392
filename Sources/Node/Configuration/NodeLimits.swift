// SPDX-License-Identifier: Apache-2.0
internal import Swarm

/// How much of the line and the router a node takes. All hold at once when they are set, also while it runs.
public struct NodeLimits: Sendable, Equatable {
    /// Bytes of payload a second, at least 1024; nil for as fast as it goes.
    public struct Rates: Sendable, Equatable {
        /// What comes in.
        public var download: Int?
        /// What goes out.
        public var upload: Int?
    }

    /// Of all torrents together.
    public var everything = Rates()
    /// Of each torrent.
    public var torrent = Rates()
    /// Of the torrents of one network together.
    public var network = Rates()
    /// The most connections to peers at once, 8 to 4096. Each costs up to 80 KiB.
    public var maximumPeers = 200
    /// The most connections to peers that are being made at once, 1 to 1000: a home router keeps a record of each for
    /// minutes, and small ones have room for a few hundred.
    public var maximumDials = 50

    /// The defaults.
    public init() {}
}

extension TransferRates {
    init(_ rates: NodeLimits.Rates) { self.init(download: rates.download, upload: rates.upload) }
}
