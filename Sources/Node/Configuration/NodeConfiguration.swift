// SPDX-License-Identifier: Apache-2.0
public import BitTorrent
public import Feeds
public import Wire

/// How one node is set up: `config.toml` in its home, then `ROOST_*` variables, then flags.
public struct NodeConfiguration: Sendable, Equatable {
    /// Where peers and DHT nodes reach us, TCP and UDP alike. Port 0 takes any free one.
    public var listen = Endpoint(.v4(0), port: 0)
    /// Where peers and DHT nodes of IPv6 reach us, on the port of ``listen``, where that is an address of IPv4.
    public var listen6 = IPv6Listening.auto
    /// Where browsers read sites. Only loopback addresses are allowed.
    public var gateway = Endpoint(.v4(0x7F00_0001), port: 8420)
    /// Where the control API and the UI answer. Only loopback addresses are allowed.
    public var control = Endpoint(.v4(0x7F00_0001), port: 8421)
    /// `mainline`, or `none` for a DHT of our own that starts from ``bootstrap`` alone.
    public var network = "mainline"
    /// Nodes that the DHT starts from, `host:port` each, beside Mainline's own routers on `mainline`.
    public var bootstrap: [String] = []
    /// Nodes in a bucket of the DHT's table, and of a set that stores: k, 1 to 64. 8 is what BEP 5 says and others do; more
    /// costs more queries a lookup.
    public var dhtBucket = 8
    /// Queries a second that the DHT asks of public addresses, 10 to 1000: home routers keep a state for each address.
    public var dhtQueries = 150
    /// What a reader gives back; nil until the user was asked.
    public var serve: ServePolicy?
    /// How much of other people's sites is kept, in bytes. 1 MiB to 16 TiB; 10 GiB because that is little on any disk
    /// of today and hundreds of sites.
    public var quota: Int64 = 10 << 30
    /// Which share of the parts of what was only read is kept for others once it is not being read any more, 0 to 1
    /// (S0-18): less saves disk, and costs another fetch when it is read again.
    public var cacheShare = 1.0
    /// Rates, connections and dials.
    public var limits = NodeLimits()
    /// Whether connections to peers are obfuscated: `offer` accepts both kinds and uses what each peer wants.
    public var encryption = EncryptionPolicy.offer
    /// Whether peers of the local network are looked for (BEP 14); nil for what ``network`` and ``listen`` suggest.
    public var localDiscovery: Bool?
    /// Whether the router is asked to let peers through to us; nil for what ``network`` and ``listen`` suggest.
    public var portMapping: Bool?
    /// Whether releases that others push here are kept (S0-20), within ``quota`` and only where ``serve`` is `quota`; nil
    /// for what ``network`` suggests: a push is a write to a stranger's disk, so not on the public network.
    public var acceptPushes: Bool?
    /// Whether every node of the network is to hold every other's address, and ours (S3-011); nil for not. Never on `mainline`,
    /// which has millions of nodes.
    public var zoneAnnouncement: Bool?
    /// Trackers that releases published here name, and that this node tells of its own sites; at most 16.
    public var trackers: [String] = []
    /// Web servers that have the files of what is published here, below `site/` (BEP 19); at most 16.
    public var webSeeds: [String] = []
    /// Whether trackers and web seeds that links and releases of others name may be in the local network or on this machine.
    public var allowLocalSources = false
    /// `trace`, `debug`, `info`, `notice`, `warning` or `error`.
    public var logLevel = "notice"
    /// The TCP congestion control of connections to loopback and local addresses; empty leaves the system's.
    public var localCongestion = "cubic"

    /// The defaults.
    public init() {}

    /// On the public network, unless only this machine can reach us.
    public var effectiveLocalDiscovery: Bool { localDiscovery ?? isPublic }

    /// On the public network, unless only this machine can reach us.
    public var effectivePortMapping: Bool { portMapping ?? isPublic }

    /// In networks of one's own, unless the user says otherwise.
    public var effectiveAcceptPushes: Bool { acceptPushes ?? (network != "mainline") }

    /// Only where the user wants it, and not on the public network.
    public var effectiveZoneAnnouncement: Bool { zoneAnnouncement ?? false && network != "mainline" }

    /// What ``listen6`` comes to beside ``listen``.
    public var effectiveListen6: IPv6Listening {
        guard listen.address.isV4 else { return .off }
        return listen6 == .auto && !listen.address.isUnspecified ? .off : listen6
    }

    private var isPublic: Bool { network == "mainline" && !listen.address.isLoopback }

    /// The policy in force: without an answer only what is being read is served.
    public var effectiveServe: ServePolicy { serve ?? .whileOpen }
}
