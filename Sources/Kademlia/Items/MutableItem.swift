// SPDX-License-Identifier: Apache-2.0
public import Keys
public import Wire

/// Why bytes are no item of BEP 44.
public enum ItemError: Error, Equatable {
    case valueTooLarge(bytes: Int)
    /// The value is not one canonical bencoded value.
    case invalidValue
    case saltTooLarge(bytes: Int)
    case negativeSequence(Int64)
    case invalidSignature
}

/// A signed value that its key's owner may replace by one of a higher sequence number (BEP 44 "Mutable Items").
///
/// An instance has been verified: size, form and signature.
public struct MutableItem: Hashable, Sendable {
    /// Who signed it.
    public let key: PublicKey
    /// Tells apart the items of one key; at most 64 bytes, empty for none.
    public let salt: [UInt8]
    /// 0 or more; a higher one replaces a lower one.
    public let sequence: Int64
    /// The value in bencoding, exactly as received or as signed.
    public let value: [UInt8]
    /// Over salt, sequence and value, as BEP 44 "Signature verification" writes them.
    public let signature: Signature

    /// Verifies before it makes anything.
    public init(
        key: PublicKey,
        salt: [UInt8] = [],
        sequence: Int64,
        value: [UInt8],
        signature: Signature
    ) throws(ItemError) {
        try Self.check(salt: salt, sequence: sequence, value: value)
        let message = Self.signedBytes(salt: salt, sequence: sequence, value: value)
        guard key.verifies(signature, over: message) else { throw .invalidSignature }
        self.init(trusted: key, salt, sequence, value, signature)
    }

    init(trusted key: PublicKey, _ salt: [UInt8], _ sequence: Int64, _ value: [UInt8], _ signature: Signature) {
        self.key = key
        self.salt = salt
        self.sequence = sequence
        self.value = value
        self.signature = signature
    }

    /// Signs `value`, which must be bencoded already.
    public static func signed(
        value: [UInt8],
        salt: [UInt8] = [],
        sequence: Int64,
        by key: SigningKey
    ) throws(ItemError) -> MutableItem {
        try check(salt: salt, sequence: sequence, value: value)
        let signature = key.sign(signedBytes(salt: salt, sequence: sequence, value: value))
        return MutableItem(trusted: key.publicKey, salt, sequence, value, signature)
    }

    /// Where the item is kept: SHA-1 of key and salt.
    public var target: NodeID { Self.target(key: key, salt: salt) }

    /// SHA-1 of key and salt: where the item lies.
    public static func target(key: PublicKey, salt: [UInt8] = []) -> NodeID { Hash.sha1(key.bytes + salt) }

    /// What is signed (BEP 44 "Signature Verification").
    public static func signedBytes(salt: [UInt8], sequence: Int64, value: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(value.count + salt.count + 48)
        if !salt.isEmpty {
            bytes.append(bencoded: "salt")
            bytes.append(bencoded: salt)
        }
        bytes.append(bencoded: "seq")
        bytes.append(bencoded: sequence)
        bytes.append(bencoded: "v")
        return bytes + value
    }

    private static func check(salt: [UInt8], sequence: Int64, value: [UInt8]) throws(ItemError) {
        try ImmutableItem.check(value)
        guard salt.count <= DHTSpecification.maximumSalt else { throw .saltTooLarge(bytes: salt.count) }
        guard sequence >= 0 else { throw .negativeSequence(sequence) }
    }
}

/// A value kept under its own hash (BEP 44 "Immutable Items").
public struct ImmutableItem: Hashable, Sendable {
    /// The value in bencoding.
    public let value: [UInt8]

    /// Throws ``ItemError`` where `value` is not one bencoded value or is longer than 1000 bytes.
    public init(value: [UInt8]) throws(ItemError) {
        try Self.check(value)
        self.value = value
    }

    /// SHA-1 of the value: where it lies.
    public var target: NodeID { Hash.sha1(value) }

    static func check(_ value: [UInt8]) throws(ItemError) {
        guard value.count <= DHTSpecification.maximumValue else { throw .valueTooLarge(bytes: value.count) }
        guard (try? Bencode.parse(value, mode: .strict, limits: .datagram)) != nil else { throw .invalidValue }
    }
}

extension ItemError {
    /// What a storing node answers.
    var fault: KRPCFault {
        switch self {
        case .valueTooLarge: .valueTooLarge
        case .saltTooLarge: .saltTooLarge
        case .invalidSignature: .invalidSignature
        case .invalidValue, .negativeSequence: .protocolError
        }
    }
}
