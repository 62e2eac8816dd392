// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

/// `roost network members`: a peer whose signed address this node holds (S3-011).
public struct NetworkMember: Equatable, Sendable, Codable {
    /// The network that the record is of.
    public var network: String
    /// Its id in that network, in hex.
    public var peer: String
    /// `host:port` each.
    public var addresses: [String]
    /// The record's number: higher with each that the peer signs.
    public var seq: UInt64
    /// Until when the record counts by the signer's clock, in seconds since 1970.
    public var expires: UInt64
    /// This node itself.
    public var own: Bool

    /// Takes each value as it is.
    public init(network: String, peer: String, addresses: [String], seq: UInt64, expires: UInt64, own: Bool) {
        self.network = network
        self.peer = peer
        self.addresses = addresses
        self.seq = seq
        self.expires = expires
        self.own = own
    }

    init(_ record: PeerRecord, network: String, isOwn: Bool) {
        self.init(
            network: network,
            peer: record.peerID.hex,
            addresses: record.endpoints.map { "\($0)" },
            seq: record.sequence,
            expires: record.expires,
            own: isOwn
        )
    }
}
