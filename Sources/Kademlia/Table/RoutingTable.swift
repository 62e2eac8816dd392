// SPDX-License-Identifier: Apache-2.0
public import Wire

/// The nodes known to answer, more of them the closer they are to us (BEP 5 "Routing Table").
///
/// Bucket n holds the nodes whose id shares exactly n leading bits with ours, the last one also those that share more;
/// only the last is ever split. Beside its nodes a bucket keeps as many replacements, which take over at once when a
/// node stops answering. Memory: about 60 bytes a node, at most 2 × k × 160 nodes, in practice some hundred.
public struct RoutingTable: Sendable {
    /// A listed node.
    public struct Entry: Equatable, Sendable {
        /// Id and address that it answered under.
        public internal(set) var contact: Contact
        /// When it answered us last.
        public internal(set) var lastAnswer: Instant
        /// When it asked us last; nil for never.
        public internal(set) var lastQuery: Instant?
        /// Queries in a row that it left unanswered.
        public internal(set) var failures = 0
        /// How long its own answers take.
        var roundTrip = RoundTripEstimate()

        /// BEP 5: answered within 15 minutes, or has ever answered and asked us something within 15 minutes.
        public func isGood(now: Instant) -> Bool {
            failures == 0 && now - max(lastAnswer, lastQuery ?? lastAnswer) < DHTSpecification.freshness
        }

        /// BEP 5: left several queries in a row unanswered.
        public var isBad: Bool { failures >= RoutingTable.failuresOfBad }
    }

    struct Bucket: Sendable {
        var entries: [Entry] = []
        var replacements: [Entry] = []
        var changed: Instant
    }

    /// What became of a node that answered.
    enum Admission: Equatable {
        case added
        case known
        /// Listed, and answers again after queries that it did not answer.
        case returned(wasBad: Bool)
        case refused
        /// Kept as a replacement; ask this questionable node whether it is still there.
        case probe(Contact)
    }

    static let failuresOfBad = 2
    /// A bad node without a replacement is kept this long, so that an outage of ours does not empty the table.
    static let failuresOfDead = 5
    /// The most nodes of one /24 (IPv4) or /48 (IPv6) in a bucket; no limit on local networks.
    static let nodesOfPrefix = 2

    /// The id that the buckets are around.
    public let ownID: NodeID
    /// k, the most nodes of a bucket.
    public let bucketSize: Int
    var buckets: [Bucket]
    /// For the simulator's trial.
    var without: Set<DHTDefence> = []

    /// A table of one empty bucket.
    public init(ownID: NodeID, bucketSize: Int = DHTSpecification.bucketSize, now: Instant) {
        self.ownID = ownID
        self.bucketSize = bucketSize
        buckets = [Bucket(changed: now)]
    }

    /// How many nodes it lists, replacements aside.
    public var count: Int { buckets.reduce(0) { $0 + $1.entries.count } }

    /// The nodes of each bucket, furthest bucket first.
    public var snapshot: [[Entry]] { buckets.map { $0.entries } }

    func bucketIndex(of id: NodeID) -> Int { min((id ^ ownID).leadingZeroBitCount, buckets.count - 1) }

    func entry(_ id: NodeID) -> Entry? {
        let index = bucketIndex(of: id)
        return position(of: id, in: index).map { buckets[index].entries[$0] }
    }

    /// Whether asking this node for a sign of life could get it into the table.
    func wants(_ contact: Contact) -> Bool {
        guard contact.id != ownID else { return false }
        let index = bucketIndex(of: contact.id)
        if let position = position(of: contact.id, in: index) {
            let entry = buckets[index].entries[position]
            return entry.failures > 0 && entry.contact.endpoint == contact.endpoint
        }
        let hasRoom = buckets[index].entries.count < bucketSize || index == buckets.count - 1
        return (hasRoom || buckets[index].entries.contains { $0.isBad }) && !isCrowded(buckets[index], by: contact)
    }

    /// Where the node of that id stands in that bucket.
    func position(of id: NodeID, in bucket: Int) -> Int? {
        let entries = buckets[bucket].entries
        var position = 0
        while position < entries.count {
            if entries[position].contact.id == id { return position }
            position += 1
        }
        return nil
    }

    /// The `count` nodes closest to `target` that are not bad.
    public func closest(to target: NodeID, count wanted: Int) -> [Contact] {
        var found = ClosestNodes()
        found.find(in: self, near: target, count: wanted)
        return (0..<found.count).map { found.contact($0, in: self) }
    }

    /// Whether one operator's network already fills its share of this bucket.
    func isCrowded(_ bucket: Bucket, by contact: Contact) -> Bool {
        guard !contact.endpoint.address.isLocal, !without.contains(.prefixDiversity) else { return false }
        let prefix = contact.endpoint.address.prefix
        let others = bucket.entries.filter {
            $0.contact.id != contact.id && $0.contact.endpoint.address.prefix == prefix
        }
        return others.count >= Self.nodesOfPrefix
            || others.contains { $0.contact.endpoint.address == contact.endpoint.address }
    }
}
