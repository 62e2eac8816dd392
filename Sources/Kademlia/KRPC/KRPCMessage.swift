// SPDX-License-Identifier: Apache-2.0
public import Keys
public import Wire

/// One datagram of the DHT (BEP 5 "KRPC Protocol").
public struct KRPCMessage: Equatable, Sendable {
    public enum Body: Equatable, Sendable {
        case query(KRPCQuery)
        case response(KRPCResponse)
        case fault(KRPCFault)
        /// A query that asks for an answer but that nothing can be made of; the fault is what to answer.
        case malformedQuery(KRPCFault)
    }

    /// `t`: chosen by the asker, echoed in the answer.
    public var transaction: [UInt8]
    public var body: Body
    /// `ro` (BEP 43): the sender answers nothing and belongs in no table.
    public var isReadOnly = false
    /// `ip` (BEP 42): where the answering node saw the question come from.
    public var observedEndpoint: Endpoint?
    /// `v`: the sender's program, two letters and two bytes by custom.
    public var version: [UInt8]?

    public init(transaction: [UInt8], body: Body) {
        self.transaction = transaction
        self.body = body
    }
}

public struct KRPCQuery: Equatable, Sendable {
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
        /// A method that we do not know but that names a target: answered as `find_node`, as other programs do.
        case other(target: NodeID)
    }

    public var sender: NodeID
    public var method: Method
    /// `want` (BEP 32): the families of nodes asked for; empty means that of the datagram.
    public var want: Set<AddressFamily> = []
    /// `noseed` (BEP 33): seeds are of no use to the asker.
    public var withoutSeeds = false

    public init(sender: NodeID, method: Method) {
        self.sender = sender
        self.method = method
    }
}

public struct KRPCAnnounce: Equatable, Sendable {
    public var infoHash: Digest160
    /// Nil for `implied_port`: the port that the datagram came from.
    public var port: UInt16?
    public var token: [UInt8]
    /// `seed` (BEP 33): the peer has everything.
    public var isSeed = false

    public init(infoHash: Digest160, port: UInt16?, token: [UInt8]) {
        self.infoHash = infoHash
        self.port = port
        self.token = token
    }
}

/// The arguments of `put` (BEP 44), not verified yet.
public struct KRPCPut: Equatable, Sendable {
    public struct Mutable: Equatable, Sendable {
        public var key: PublicKey
        public var salt: [UInt8]
        public var sequence: Int64
        public var signature: Signature
        public var expectedSequence: Int64?
    }

    public var token: [UInt8]
    /// The bencoded value as it was received.
    public var value: [UInt8]
    /// Nil for an immutable item.
    public var mutable: Mutable?
}

public struct KRPCResponse: Equatable, Sendable {
    public var sender: NodeID
    public var nodes: [Contact] = []
    public var nodes6: [Contact] = []
    /// Whether the key is written although the list is empty.
    public var families: Set<AddressFamily> = []
    public var token: [UInt8]?
    public var values: [Endpoint] = []
    /// `v`, bencoded as received (BEP 44).
    public var value: [UInt8]?
    public var key: PublicKey?
    public var sequence: Int64?
    public var signature: Signature?
    /// `BFsd` and `BFpe` (BEP 33).
    public var seedFilter: BloomFilter?
    public var peerFilter: BloomFilter?
    /// `samples`, `num` and `interval` (BEP 51).
    public var samples: KRPCSamples?

    public init(sender: NodeID) {
        self.sender = sender
    }
}

/// Torrents that a node has peers of (BEP 51 "Messages").
public struct KRPCSamples: Equatable, Sendable {
    public var infoHashes: [Digest160]
    /// How many there are in all.
    public var total: Int64
    /// After how many seconds another sample can be had, 0 to 21,600.
    public var interval: Int64

    public init(infoHashes: [Digest160], total: Int64, interval: Int64) {
        self.infoHashes = infoHashes
        self.total = total
        self.interval = interval
    }
}

/// `e`: a number and a text (BEP 5 "Errors", BEP 44 "Errors").
public struct KRPCFault: Equatable, Sendable, Error {
    public var code: Int64
    public var text: String

    public init(code: Int64, text: String) {
        self.code = code
        self.text = text
    }

    public static let generic = KRPCFault(code: 201, text: "Generic Error")
    public static let server = KRPCFault(code: 202, text: "Server Error")
    public static let protocolError = KRPCFault(code: 203, text: "Protocol Error")
    public static let badToken = KRPCFault(code: 203, text: "Bad token")
    public static let unknownMethod = KRPCFault(code: 204, text: "Method Unknown")
    public static let valueTooLarge = KRPCFault(code: 205, text: "message (v field) too big")
    public static let invalidSignature = KRPCFault(code: 206, text: "invalid signature")
    public static let saltTooLarge = KRPCFault(code: 207, text: "salt too big")
    public static let sequenceMismatch = KRPCFault(
        code: 301,
        text: "the CAS sequence mismatched, re-read and try again"
    )
    public static let sequenceTooLow = KRPCFault(code: 302, text: "sequence number less than current")
}
