// SPDX-License-Identifier: Apache-2.0
public import Wire

/// A statement that is not history: who says it, in which network, from when until when, and what.
///
/// Encoded as the deterministic CBOR map `{type, v, network, issuer, notBefore, expires, crit, body}`; keys beside
/// these are kept with the received bytes and mean nothing unless `crit` names them.
public struct Record: Sendable, Equatable {
    /// What kind of statement: 1 to 32 of `a`–`z`, `0`–`9`, `-`. It is part of what is signed.
    public var type: String
    /// The version of the type's body.
    public var version: UInt64
    /// The network in which it holds; empty where it holds in all.
    public var network: [UInt8]
    /// The key that signs it.
    public var issuer: PublicKey
    /// Seconds since 1970.
    public var notBefore: UInt64
    /// Seconds since 1970; nil where it never ends.
    public var expires: UInt64?
    /// Keys of the record or of its body that a reader must understand, or refuse the record.
    public var critical: [String]
    /// What is stated; its keys are the type's to define.
    public var body: CBORMap

    /// Nothing is checked here: ``SignedRecord`` refuses to sign what lies outside its bounds.
    public init(
        type: String,
        version: UInt64 = 1,
        network: [UInt8] = [],
        issuer: PublicKey,
        notBefore: UInt64,
        expires: UInt64?,
        critical: [String] = [],
        body: CBORMap
    ) {
        self.type = type
        self.version = version
        self.network = network
        self.issuer = issuer
        self.notBefore = notBefore
        self.expires = expires
        self.critical = critical
        self.body = body
    }
}

/// The bounds of a record, whatever its type (`docs/protocols/keys.md` §3).
public enum RecordSpecification {
    /// The largest envelope.
    public static let maximumByteCount = 65_536
    /// The longest ``Record/type``.
    public static let maximumTypeByteCount = 32
    /// The longest ``Record/network``.
    public static let maximumNetworkByteCount = 64
    /// The most names in ``Record/critical``.
    public static let maximumCriticalKeys = 32
    /// Clocks are wrong: how far a start may lie ahead and an end behind, in seconds.
    public static let clockTolerance: UInt64 = 600
    /// The keys that a record of this version of the envelope has.
    static let keys: Set<String> = ["type", "v", "network", "issuer", "notBefore", "expires", "crit", "body"]
}

extension Record {
    /// Whether `now`, in seconds since 1970, lies in the record's time, give or take the clocks' tolerance.
    public func isCurrent(at now: UInt64) -> Bool {
        let tolerance = RecordSpecification.clockTolerance
        let (latest, overflow) = now.addingReportingOverflow(tolerance)
        guard overflow || notBefore <= latest else { return false }
        guard let expires else { return true }
        let (end, endless) = expires.addingReportingOverflow(tolerance)
        return endless || now < end
    }

    /// The record's encoding, over which it is signed.
    public var encoded: [UInt8] {
        let map: CBOR = [
            "type": .text(type), "v": .unsigned(version), "network": .bytes(network), "issuer": .bytes(issuer),
            "notBefore": .unsigned(notBefore), "expires": expires.map { .unsigned($0) } ?? .null,
            "crit": .array(critical.map { .text($0) }), "body": .map(body),
        ]
        return map.encoded
    }

    /// The name of a field outside its bounds, nil where there is none: signing requires that and reading refuses the rest.
    var firstInvalidField: String? {
        let typeBytes = Array(type.utf8)
        let isName = typeBytes.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
        if !isName || typeBytes.isEmpty || typeBytes.count > RecordSpecification.maximumTypeByteCount { return "type" }
        if network.count > RecordSpecification.maximumNetworkByteCount { return "network" }
        if critical.count > RecordSpecification.maximumCriticalKeys { return "crit" }
        return nil
    }

    init(decoding payload: CBOR) throws(RecordError) {
        func field<Value>(_ name: String, _ read: (CBOR) -> Value?) throws(RecordError) -> Value {
            guard let value = payload[name].flatMap(read) else { throw .invalidField(name) }
            return value
        }
        type = try field("type") { $0.text }
        version = try field("v") { $0.unsigned }
        network = try field("network") { $0.bytes }
        issuer = try field("issuer") { $0.fixed(PublicKey.self) }
        notBefore = try field("notBefore") { $0.unsigned }
        expires = try field("expires") { $0.isNull ? .some(.none) : $0.unsigned.map { .some($0) } }
        critical = try field("crit") { value in
            let names = value.array?.compactMap(\.text)
            return names?.count == value.array?.count ? names : nil
        }
        body = try field("body") { $0.map }
        if let invalid = firstInvalidField { throw .invalidField(invalid) }
    }
}
