// SPDX-License-Identifier: Apache-2.0
package import Keys
public import Wire

/// Zone-wide announcement (`docs/protocols/zone-announcement.md`): every node of a zone holds every other's peer record.
public struct ZoneConfiguration: Sendable {
    /// The id of the network; records of others do not count.
    public var network: [UInt8]
    /// The most records held, 2 to 131,070: twice the most nodes of the zone, as those who go without a word are held for a while.
    public var maximumRecords = ZoneSpecification.maximumRecords
    /// How many partners hear of what is new at once, 1 to 16. Five reach 99 of 100 nodes where all are there and nothing is lost; five
    /// others hear of it within two seconds more, and who is missed then asks by itself.
    public var fanout = 5
    /// Queries of the zone a second, and at once.
    public var queries = 50.0
    /// How many may go at once.
    public var queryBurst = 100.0
    /// Signatures of others verified a second; a whole zone's at once.
    public var verifications = 100.0
    /// How a record is read: an expensive pure function, which the simulator remembers.
    package var read: @Sendable ([UInt8]) -> PeerRecord? = { try? PeerRecord(reading: $0) }

    /// Everything else by its default.
    public init(network: [UInt8]) {
        self.network = network
    }

    /// What queries name the zone by.
    var tag: UInt64 { Hash.sha256(Array("roost/zone".utf8) + [0] + network).leading }
}

/// The constants of the protocol, with their sections.
public enum ZoneSpecification {
    /// S3-067: a zone has at most so many nodes.
    public static let maximumNodes = 1024
    /// §6: of them and of those who went without a word.
    public static let maximumRecords = maximumNodes * 2
    /// §4: buckets of a comparison.
    static let buckets = 64
    /// §3: digests of one message.
    static let maximumDigests = 48
    /// §3: ids of one question, and records of one answer.
    static let maximumItems = 4
    /// §3: of the records of one answer, in bytes.
    static let maximumAnswer = 1150
    /// §5: the shortest and the longest pause between two records of one node, and what each node of the zone adds to it.
    static let refreshes: ClosedRange<Duration> = .seconds(60) ... .seconds(300)
    static let refreshOfEach = Duration.milliseconds(300)
    /// §5: a record counts for so many pauses.
    static let refreshesOfLife = 3
    /// §5: a record misses a renewal when it is half its life old, which is a pause and a half; and when it is older than that of the
    /// longest pause, whatever life it says.
    static let longestPatience = refreshes.upperBound * 3 / 2
    /// §5: two records of our own are so far apart.
    static let minimumInterval = Duration.seconds(5)
    /// §4: news waits so long for other news, and a refresh so long.
    static let urgency = Duration.milliseconds(200)
    static let patience = Duration.seconds(2)
    /// §4: how often news is told, the second time after that patience.
    static let tellingsOfNews = 2
    /// §4: the pause between two comparisons.
    static let comparison = Duration.seconds(30)
}

extension Digest256 {
    /// The first eight bytes, most significant first.
    var leading: UInt64 { words.0 }
}

extension PeerRecord {
    /// What stands for its issuer in messages (§3).
    var zoneID: UInt64 { issuer.identifier.leading }
}

/// That a zone's node wants its own record, signed anew by who has its key and a clock.
public struct PeerRecordRequest: Equatable, Sendable {
    /// The record's number must be higher.
    public var above: UInt64
    /// Where others reach the node, as far as it knows; none yet where this is empty.
    public var endpoints: [Endpoint]
    /// In seconds.
    public var life: UInt64
}
