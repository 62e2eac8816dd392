// SPDX-License-Identifier: Apache-2.0
public import Keys
public import Wire

/// One datagram of the DHT (BEP 5 "KRPC Protocol").
public struct KRPCMessage: Equatable, Sendable {
    /// `q`, `r` or `e` (BEP 5 "KRPC Protocol").
    public enum Body: Equatable, Sendable {
        case query(KRPCQuery)
        case response(KRPCResponse)
        case fault(KRPCFault)
        /// A query that asks for an answer but that nothing can be made of; the fault is what to answer.
        case malformedQuery(KRPCFault)
    }

    /// `t`: chosen by the asker, echoed in the answer.
    public var transaction: [UInt8]
    /// What is asked or answered.
    public var body: Body
    /// `ro` (BEP 43): the sender answers nothing and belongs in no table.
    public var isReadOnly = false
    /// `ip` (BEP 42): where the answering node saw the question come from.
    public var observedEndpoint: Endpoint?
    /// `v`: the sender's program, two letters and two bytes by custom.
    public var version: [UInt8]?

    /// `transaction`: 1 to ``maximumTransaction`` bytes that an answer repeats.
    public init(transaction: [UInt8], body: Body) {
        self.transaction = transaction
        self.body = body
    }
}

/// A question, or something to keep.
public struct KRPCQuery: Equatable, Sendable {
    /// `q` and its arguments (BEP 5, 33, 44, 51).
    public enum Method: Equatable, Sendable {
        case ping
        case findNode(target: NodeID)
        case getPeers(infoHash: Digest160)
        /// `get_peers` with `scrape` (BEP 33): for filters in place of peers.
        case scrape(infoHash: Digest160)
        /// BEP 51: for torrents that have peers here, and nodes near a target.
        case sampleInfohashes(target: NodeID)
        case announcePeer(KRPCAnnounce)
        /// BEP 44. `sequence`: the value is only wanted if it is newer.
        case get(target: NodeID, sequence: Int64?)
        case put(KRPCPut)
        /// Between nodes of a zone (`docs/protocols/zone-announcement.md`).
        case zone(ZoneQuery)
        /// A method that we do not know but that names a target: answered as `find_node`, as other programs do.
        case other(target: NodeID)
    }

    /// `id`: the id that the sender claims.
    public var sender: NodeID
    /// What is wanted.
    public var method: Method
    /// `want` (BEP 32): the families of nodes asked for; empty means that of the datagram.
    public var want: Set<AddressFamily> = []
    /// `noseed` (BEP 33): seeds are of no use to the asker.
    public var withoutSeeds = false

    /// A query without `want` and `noseed`.
    public init(sender: NodeID, method: Method) {
        self.sender = sender
        self.method = method
    }
}

/// `announce_peer` (BEP 5): the sender takes part in a torrent.
public struct KRPCAnnounce: Equatable, Sendable {
    /// Of the torrent.
    public var infoHash: Digest160
    /// Nil for `implied_port`: the port that the datagram came from.
    public var port: UInt16?
    /// As the one who is told gave it with an earlier answer.
    public var token: [UInt8]
    /// `seed` (BEP 33): the peer has everything.
    public var isSeed = false

    /// `port`: nil where the port that the datagram comes from is meant.
    public init(infoHash: Digest160, port: UInt16?, token: [UInt8]) {
        self.infoHash = infoHash
        self.port = port
        self.token = token
    }
}

/// The arguments of `put` (BEP 44), not verified yet.
public struct KRPCPut: Equatable, Sendable {
    /// What a mutable item has beside its value.
    public struct Mutable: Equatable, Sendable {
        /// `k`: who signed.
        public var key: PublicKey
        /// `salt`, empty for none.
        public var salt: [UInt8]
        /// `seq`.
        public var sequence: Int64
        /// `sig`; not verified by reading.
        public var signature: Signature
        /// `cas`: only to be stored over an item of that number.
        public var expectedSequence: Int64?
    }

    /// As the one who is told gave it with an earlier answer.
    public var token: [UInt8]
    /// The bencoded value as it was received.
    public var value: [UInt8]
    /// Nil for an immutable item.
    public var mutable: Mutable?
}

/// What a node answers; which fields there are depends on the question.
public struct KRPCResponse: Equatable, Sendable {
    /// `id`: the id that the sender claims.
    public var sender: NodeID
    /// `nodes`: closer ones over IPv4.
    public var nodes: [Contact] = []
    /// `nodes6`: closer ones over IPv6 (BEP 32).
    public var nodes6: [Contact] = []
    /// Whether the key is written although the list is empty.
    public var families: Set<AddressFamily> = []
    /// As the one who is told gave it with an earlier answer.
    public var token: [UInt8]?
    /// `values`: peers of the torrent.
    public var values: [Endpoint] = []
    /// `v`, bencoded as received (BEP 44).
    public var value: [UInt8]?
    /// `k`: who signed the item.
    public var key: PublicKey?
    /// `seq`, also without the item, where the asker has none older.
    public var sequence: Int64?
    /// `sig`; not verified by reading.
    public var signature: Signature?
    /// `BFsd` and `BFpe` (BEP 33).
    public var seedFilter: BloomFilter?
    /// `BFpe` (BEP 33): those who are still loading.
    public var peerFilter: BloomFilter?
    /// What a node of a zone answers another; nothing else is written beside it but the token.
    public var zone: ZoneAnswer?
    /// `samples`, `num` and `interval` (BEP 51).
    public var samples: KRPCSamples?

    /// An answer that has nothing but the id.
    public init(sender: NodeID) {
        self.sender = sender
    }
}

/// Torrents that a node has peers of (BEP 51 "Messages").
public struct KRPCSamples: Equatable, Sendable {
    /// `samples`: torrents that the node knows peers of.
    public var infoHashes: [Digest160]
    /// How many there are in all.
    public var total: Int64
    /// After how many seconds another sample can be had, 0 to 21,600.
    public var interval: Int64

    /// `interval` in seconds.
    public init(infoHashes: [Digest160], total: Int64, interval: Int64) {
        self.infoHashes = infoHashes
        self.total = total
        self.interval = interval
    }
}

/// `e`: a number and a text (BEP 5 "Errors", BEP 44 "Errors").
public struct KRPCFault: Equatable, Sendable, Error {
    /// Bytes of UTF-8 that are kept of a text which others wrote.
    static let maximumTextByteCount = 128

    /// As BEP 5 and BEP 44 number them.
    public var code: Int64
    /// For people; of others at most `maximumTextByteCount`, and not to be trusted.
    public var text: String

    /// Any code, as others send them.
    public init(code: Int64, text: String) {
        self.code = code
        self.text = text
    }

    /// What is refused without a reason.
    public static let generic = KRPCFault(code: 201, text: "Generic Error")
    /// There is no room for it, or nothing is kept here.
    public static let server = KRPCFault(code: 202, text: "Server Error")
    /// The arguments are not those of the method.
    public static let protocolError = KRPCFault(code: 203, text: "Protocol Error")
    /// The token is not one that this address was given lately.
    public static let badToken = KRPCFault(code: 203, text: "Bad token")
    /// A method without a target.
    public static let unknownMethod = KRPCFault(code: 204, text: "Method Unknown")
    /// More than 1000 bytes (BEP 44).
    public static let valueTooLarge = KRPCFault(code: 205, text: "message (v field) too big")
    /// The signature does not fit key, salt, number and value.
    public static let invalidSignature = KRPCFault(code: 206, text: "invalid signature")
    /// More than 64 bytes (BEP 44).
    public static let saltTooLarge = KRPCFault(code: 207, text: "salt too big")
    /// The item in place has another number than `cas` says.
    public static let sequenceMismatch = KRPCFault(
        code: 301,
        text: "the CAS sequence mismatched, re-read and try again"
    )
    /// The item in place is newer.
    public static let sequenceTooLow = KRPCFault(code: 302, text: "sequence number less than current")
}
