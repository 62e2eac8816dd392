// SPDX-License-Identifier: Apache-2.0
public import Keys
public import Wire

/// Chosen by the caller, below 2^63; answers carry it.
public typealias CommandID = UInt64

/// What a node can be asked to do.
public enum DHTCommand: Equatable, Sendable {
    case findNode(NodeID)
    case getPeers(Digest160)
    /// How many peers a torrent has, without asking for them (BEP 33).
    case scrape(Digest160)
    /// Torrents that nodes on the way to a target have peers of (BEP 51).
    case sampleInfohashes(near: NodeID)
    case getImmutable(NodeID)
    case getMutable(key: PublicKey, salt: [UInt8])
    /// Announces or puts. `expecting` is the `cas` of BEP 44.
    case publish(Publication, expecting: Int64? = nil, keep: KeepPolicy = .once)
    /// Reads the newest item, reports ``DHTProgress/readyToSign(current:highest:)``, and puts what ``DHTNode/supply(_:for:now:)``
    /// brings: one lookup for both.
    case update(key: PublicKey, salt: [UInt8], keep: KeepPolicy = .once)
}

/// What can be left at the nodes closest to a target.
public enum Publication: Hashable, Sendable {
    /// A nil port stands for the one that our datagrams come from.
    case peer(infoHash: Digest160, port: UInt16?)
    case mutable(MutableItem)
    case immutable(ImmutableItem)

    /// Where in the key space it is looked for or put.
    public var target: NodeID {
        switch self {
        case .peer(let infoHash, _): infoHash
        case .mutable(let item): item.target
        case .immutable(let item): item.target
        }
    }
}

/// Whether something published is published again: every 3 to 15 minutes for peers, 3 to 30 for items, as fast as the nodes
/// that keep it come and go (``DHTNode`` observes that).
public enum KeepPolicy: Sendable {
    case once
    /// Ours: kept in our own store and put again whatever others do.
    case own
    /// Someone else's that we were allowed to keep alive: put again unless enough others do (BEP 44 "Expiration").
    case borrowed
}

/// What a command finds before its end.
public enum DHTProgress: Equatable, Sendable {
    /// Peers not reported before.
    case peers([Endpoint])
    /// An item newer than any reported before; a newer one may follow.
    case item(MutableItem)
    case immutable([UInt8])
    /// See ``DHTCommand/update(key:salt:keep:)``: the newest item that the network has, and the highest sequence number
    /// ever seen here, which the next one must exceed: readers may remember it where the network forgot.
    case readyToSign(current: MutableItem?, highest: Int64?)
}

/// How a command ended: one for each started.
public enum DHTOutcome: Equatable, Sendable {
    case nodes(LookupReport)
    case peers([Endpoint], LookupReport)
    case scraped(ScrapeReport, LookupReport)
    case samples(SampleReport, LookupReport)
    /// With how many other nodes hold it.
    case immutable([UInt8]?, holders: Int, LookupReport)
    case mutable(MutableReport, LookupReport)
    case stored(StoreReport, LookupReport)
    case cancelled
    /// Too many commands at once.
    case refused
}

/// How a lookup went.
public struct LookupReport: Equatable, Sendable {
    /// The closest nodes that answered, closest first.
    public var closest: [Contact] = []
    /// From the first node asked to the closest one found, each closer to the target than the one before.
    public var path: [Contact] = []
    /// Queries one after the other to the closest node.
    public var hops = 0
    /// Sent by all ways together.
    public var queries = 0
    /// Of those, answered before the end.
    public var answers = 0
}

/// The size of a swarm as the filters of several nodes together give it: numbers of addresses, good to a few per cent while
/// below a thousand. Whoever makes up addresses makes it larger.
public struct ScrapeReport: Equatable, Sendable {
    /// An estimate of those who have everything (BEP 33).
    public var seeds = 0.0
    /// Those that do not have everything.
    public var downloaders = 0.0
    /// Nodes that answered with filters.
    public var sources = 0
}

/// What nodes gave of the torrents they have peers of.
public struct SampleReport: Equatable, Sendable {
    /// Ascending; at most 2,000.
    public var infoHashes: [Digest160] = []
    /// Nodes that answered with samples.
    public var sources = 0
}

/// The end of a search for a mutable item.
public struct MutableReport: Equatable, Sendable {
    /// The newest item found; nil also where the network only has one older than we have seen before.
    public var item: MutableItem?
    /// How many nodes hold that sequence number.
    public var holders = 0
    /// The highest sequence number ever seen here under this target.
    public var highestKnown: Int64?
}

/// The end of an announce or a put.
public struct StoreReport: Equatable, Sendable {
    /// Where it was put.
    public var target: NodeID
    /// Other nodes that confirmed.
    public var stored = 0
    /// What the others answered, by code: 301 is a lost race, 302 a newer item.
    public var refusals: [Int64] = []
    /// Nodes that were sent it and did not answer.
    public var silent = 0
    /// A newer item, or another of the same sequence number, that was found in the place.
    public var newer: MutableItem?
}

/// What happened without being asked for.
public enum DHTEvent: Equatable, Sendable {
    /// Our own neighbourhood has been searched.
    case joined(nodes: Int)
    /// One key signed two values under one sequence number.
    case conflict(ItemConflict)
    /// Others agree on our address.
    case address(IPAddress)
    /// We took an id that fits our address (BEP 42).
    case identity(NodeID)
    /// A newer item turned up while one that we keep alive was put again, and took its place.
    case superseded(MutableItem)
    /// Our own record for the zone is due: see ``DHTNode/announce(_:wall:now:)``.
    case peerRecordDue(PeerRecordRequest)
    /// Something kept was published again.
    case published(StoreReport)
}
