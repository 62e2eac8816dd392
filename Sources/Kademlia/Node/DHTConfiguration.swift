// SPDX-License-Identifier: Apache-2.0
public import Wire

/// How one node behaves. Every bound here is a bound on memory or bandwidth.
public struct DHTConfiguration: Sendable {
    /// Nodes of a bucket, of an answer, and of a set that stores: k. 1 to 64; BEP 5 says 8.
    public var bucketSize = DHTSpecification.bucketSize
    /// Queries of one lookup under way at once: α. 1 to 16. More is faster and costs more queries.
    public var parallelism = 4
    /// Ways that share no node, on which values are searched and stored: d of S/Kademlia. 1 to 8. Whoever holds the nodes
    /// of one way cannot hide a value that another finds; each way more costs some four queries.
    public var disjointPaths = 3
    /// The networks taken part in. The driver has a socket for each.
    public var families: Set<AddressFamily> = [.v4]
    /// Asks but never answers, and is in nobody's table (BEP 43): behind a closed NAT or on metered links.
    public var isReadOnly = false
    /// The `v` of our messages: two letters of the program, two bytes of its version.
    public var version: [UInt8] = Array("RO".utf8) + [0, 1]
    /// The addresses that others reach us at, at most one of each family, where the driver knows them; learned from
    /// their answers otherwise.
    public var localAddresses: [IPAddress] = []
    /// The port that our datagrams come from, for announces with `implied_port`.
    public var localPort: UInt16 = 0
    /// Takes a new id when others agree on a public address that ours does not fit (BEP 42).
    public var followsAddress = true

    /// Items kept for the network and for us, about 1.3 kB each: 1.3 MB at most by default.
    public var maximumItems = 1000
    /// Whether other people's items are kept at all.
    public var storesItems = true
    /// Torrents that peers are kept for, peers of each, and peers in all at about 40 bytes: 0.8 MB at most by default.
    public var maximumInfoHashes = 2000
    /// Of one torrent; the oldest makes room.
    public var maximumPeersEach = 200
    /// Of all torrents together.
    public var maximumPeers = 20_000
    /// Targets whose highest sequence number is remembered, about 40 bytes each.
    public var maximumFloors = 10_000
    /// What is announced and put again for as long as we run.
    public var maximumPublications = 10_000
    /// Commands at work at once; further ones are refused.
    public var maximumOperations = 1024

    /// What is not stored for others, served or published again: torrents and items by their target, and every item of a
    /// site by the beginning of the site's id. Asked on every such occasion, so it must be quick.
    public var refuses: @Sendable (NodeID) -> Bool = { _ in false }

    /// Queries answered for one /24 (IPv4) or /48 (IPv6), or one address of a private range: a second, and at once.
    /// Loopback is not limited.
    public var queriesPerPrefix = 50.0
    /// How many queries of one network may come at once.
    public var queryBurstPerPrefix = 200.0
    /// Bytes of items and peer lists sent to addresses that have proven nothing: a second for each prefix, and at once.
    public var unprovenBytes = 8192.0
    /// How many of these bytes may go out at once.
    public var unprovenBytesBurst = 65_536.0
    /// Our own queries to public addresses: a second, and at once. Home routers keep a state for each address asked.
    public var outgoingQueries = 150.0
    /// How many queries may go out at once.
    public var outgoingBurst = 400.0
    /// Our own queries to one address: a second, and at once. Loopback is not limited. libtorrent ignores an address
    /// for five minutes after 50 packets in 10 seconds.
    public var queriesPerDestination = 1.5
    /// How many may go to one address at once.
    public var queryBurstPerDestination = 30.0

    /// Announces and items published again: a second, and at once. One costs about 40 queries and 20 kB both ways, so this
    /// is at most about half of ``outgoingQueries``, and the rest is for those who wait for an answer.
    public var republications = 2.0
    /// How many of them may begin at once.
    public var republicationBurst = 8.0

    /// Whether every node of the network is to hold every other's address, and ours; nil for not. Only for networks of at most
    /// a thousand nodes: never on Mainline.
    public var zone: ZoneConfiguration?

    /// How long a search waits for an answer at least, whatever answers have taken so far: for tests of what is answered, not of
    /// how soon, on a machine that may be busy for seconds. Lookups say themselves where they have waited long enough.
    package var leastPatience = Duration.zero
    /// For the simulator's own trial.
    package var defect: DHTDefect?
    /// For the simulator's own trial.
    package var without: Set<DHTDefence> = []

    /// The defaults of a node on the Internet.
    public init() {}

    func localAddress(_ family: AddressFamily) -> IPAddress? {
        localAddresses.first { $0.isV4 == (family == .v4) }
    }
}
