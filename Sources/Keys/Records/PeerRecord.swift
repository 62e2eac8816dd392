// SPDX-License-Identifier: Apache-2.0
public import Wire

/// One way to reach a peer. Readers use the kinds that they know and pass the others on.
public struct PeerAddress: Sendable, Equatable {
    /// `ip` for an address and a port; 1 to 16 of `a`–`z`, `0`–`9`, `-`.
    public var kind: String
    /// What the kind says; of `ip` the compact form of BEP 5, 6 or 18 bytes. 1 to 128 bytes.
    public var value: [UInt8]

    /// Of any kind.
    public init(kind: String, value: [UInt8]) {
        self.kind = kind
        self.value = value
    }

    /// Of kind `ip`.
    public init(_ endpoint: Endpoint) { self.init(kind: "ip", value: endpoint.compact) }

    /// Where it is of kind `ip`.
    public var endpoint: Endpoint? { kind == "ip" ? Endpoint(compact: value) : nil }

    var isInBounds: Bool {
        let name = Array(kind.utf8)
        let isName = name.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
        return isName && (1...16).contains(name.count) && (1...128).contains(value.count)
    }
}

/// What a peer says of itself: by which addresses it is reached, for how long. Without an address it says that it has gone.
///
/// A ``Record`` of type `peer` in one network (`docs/protocols/zone-announcement.md` §2): at most 1,000 bytes, so that it fits one
/// datagram.
public struct PeerRecord: Sendable, Equatable {
    /// The peer's key in that network.
    public let issuer: PublicKey
    /// The network's id.
    public let network: [UInt8]
    /// Higher with each record of the peer; readers only go forwards.
    public let sequence: UInt64
    /// How long after it was signed it counts without a newer one, in seconds: 10 to 3,600.
    public let life: UInt64
    /// When it was signed, in seconds since 1970.
    public let notBefore: UInt64
    /// After which it counts nowhere, however it got there, in seconds since 1970.
    public let expires: UInt64
    /// At most eight.
    public let addresses: [PeerAddress]
    /// The envelope as it was received or signed.
    public let bytes: [UInt8]

    public static let type = "peer"
    public static let maximumByteCount = 1000
    public static let maximumAddresses = 8
    /// Of ``life``.
    public static let lives: ClosedRange<UInt64> = 10...3600

    /// Whether the peer says that it has gone.
    public var isWithdrawn: Bool { addresses.isEmpty }
    public var peerID: PeerID { PeerID(issuer) }
    /// Those of kind `ip`.
    public var endpoints: [Endpoint] { addresses.compactMap { $0.endpoint } }

    /// Reads and verifies an envelope. Whether it is current and of the right network is the caller's to ask.
    public init(reading bytes: [UInt8]) throws(RecordError) {
        guard bytes.count <= Self.maximumByteCount else { throw .malformed(.tooLarge(limit: Self.maximumByteCount)) }
        let signed = try SignedRecord(bytes, type: Self.type, understanding: ["addrs", "life", "seq"])
        let record = signed.record
        guard let sequence = record.body["seq"]?.unsigned else { throw .invalidField("seq") }
        guard let life = record.body["life"]?.unsigned, Self.lives.contains(life) else { throw .invalidField("life") }
        guard let expires = record.expires, expires >= record.notBefore,
            expires - record.notBefore <= Self.lives.upperBound
        else { throw .invalidField("expires") }
        guard let addresses = Self.addresses(record.body["addrs"]) else { throw .invalidField("addrs") }
        issuer = record.issuer
        network = record.network
        notBefore = record.notBefore
        self.sequence = sequence
        self.life = life
        self.expires = expires
        self.addresses = addresses
        self.bytes = bytes
    }

    /// Signs. `life` is brought into its bounds, addresses beyond the eighth and those out of bounds are left out.
    public static func signed(
        by key: SigningKey,
        network: [UInt8],
        sequence: UInt64,
        life: UInt64,
        addresses: [PeerAddress],
        at now: UInt64
    ) -> PeerRecord? {
        let life = min(max(life, lives.lowerBound), lives.upperBound)
        let kept = addresses.filter { $0.isInBounds }.prefix(maximumAddresses)
        let record = Record(
            type: type,
            network: Array(network.prefix(RecordSpecification.maximumNetworkByteCount)),
            issuer: key.publicKey,
            notBefore: now,
            expires: now + life,
            body: [
                "addrs": .array(kept.map { .array([.text($0.kind), .bytes($0.value)]) }),
                "life": .unsigned(life), "seq": .unsigned(sequence),
            ]
        )
        return try? PeerRecord(reading: SignedRecord(record, by: key).bytes)
    }

    private static func addresses(_ value: CBOR?) -> [PeerAddress]? {
        guard let list = value?.array, list.count <= maximumAddresses else { return nil }
        var addresses: [PeerAddress] = []
        for entry in list {
            guard let pair = entry.array, pair.count == 2, let kind = pair[0].text, let bytes = pair[1].bytes else {
                return nil
            }
            let address = PeerAddress(kind: kind, value: bytes)
            guard address.isInBounds, kind != "ip" || address.endpoint != nil else { return nil }
            addresses.append(address)
        }
        return addresses
    }

    /// Whether a clock that shows `now` allows it, give or take the clocks' tolerance.
    public func isCurrent(at now: UInt64) -> Bool {
        let tolerance = RecordSpecification.clockTolerance
        let (latest, isEndless) = now.addingReportingOverflow(tolerance)
        let (end, isOpen) = expires.addingReportingOverflow(tolerance)
        return (isEndless || notBefore <= latest) && (isOpen || now < end)
    }
}
