// SPDX-License-Identifier: Apache-2.0
public import Wire

/// The constants that the BEPs fix, each with its clause.
public enum DHTSpecification {
    /// K, the nodes of a bucket and of an answer (BEP 5 "Routing Table").
    public static let bucketSize = 8
    /// After this long without a sign a node is questionable, and a bucket due for a refresh (BEP 5 "Routing Table").
    public static let freshness = Duration.seconds(15 * 60)
    /// How often the secret behind write tokens changes; tokens live one to two of these (BEP 5 "Overview").
    public static let tokenRotation = Duration.seconds(5 * 60)
    /// The largest bencoded value of an item, in bytes (BEP 44 "Messages").
    public static let maximumValue = 1000
    /// The longest salt, in bytes (BEP 44 "Mutable Items").
    public static let maximumSalt = 64
    /// After this long without a new put an item is dropped (BEP 44 "Expiration").
    public static let itemLifetime = Duration.seconds(2 * 3600)
    /// How often an item is put again (BEP 44 "Expiration").
    public static let republishInterval = Duration.seconds(3600)
    /// How long the same hashes are given to all who ask for a sample, and how many (BEP 51 "Messages").
    public static let sampleInterval = Duration.seconds(60)
    /// The most infohashes of one answer (BEP 51): with nodes and headers they fit one datagram.
    public static let maximumSample = 20
    /// The largest datagram that we send where its content allows, in bytes (BEP 32 "Maximum packet size").
    public static let maximumDatagram = 1024

    /// The well-known entrances to Mainline, as `host:port`. They are asked once and never listed in the table.
    public static let mainlineRouters = [
        "router.bittorrent.com:6881", "dht.transmissionbt.com:6881", "dht.libtorrent.org:25401",
        "router.utorrent.com:6881",
    ]
}

/// Monotonic time since an origin of the driver's choice.
public typealias Instant = Duration

/// IPv4 and IPv6 are two networks with two tables (BEP 32 "Operation").
public enum AddressFamily: Int, Sendable, CaseIterable {
    case v4 = 0
    case v6 = 1
}

extension Endpoint {
    /// Which of the two DHTs an address belongs to (BEP 32).
    public var family: AddressFamily { address.isV4 ? .v4 : .v6 }
}
