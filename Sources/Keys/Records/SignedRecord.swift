// SPDX-License-Identifier: Apache-2.0
public import Wire

/// A record with its signature, and the bytes as they were received: they are what is stored, hashed and passed on,
/// never a re-encoding.
///
/// The envelope is the CBOR array of two byte strings `[payload, signature]`. The signature is over
/// `"roost/" ‖ type ‖ 0x00 ‖ payload`, so that a record of one type never passes for another, or for anything else
/// that the same key signs.
public struct SignedRecord: Sendable {
    /// What the payload says.
    public let record: Record
    /// The whole envelope.
    public let bytes: [UInt8]

    /// SHA-256 of the envelope: how other records refer to this one.
    public var hash: Digest256 { Hash.sha256(bytes) }

    /// Signs `record`, whose issuer must be `key` and whose fields must lie in their bounds.
    public init(_ record: Record, by key: SigningKey) {
        precondition(record.issuer == key.publicKey, "a record is signed by its issuer")
        precondition(record.firstInvalidField == nil, "a field is out of bounds")
        let payload = record.encoded
        let signature = key.sign(Self.signedBytes(type: record.type, payload: payload))
        self.record = record
        bytes = CBOR.array([.bytes(payload), .bytes(signature)]).encoded
        precondition(bytes.count <= RecordSpecification.maximumByteCount, "the record is too large")
    }

    /// Reads and verifies an envelope. Whether it is current and in the right network is the caller's to ask.
    ///
    /// `type` and `version` are what the caller reads; `understanding` names the keys of the body, and further ones
    /// of the record, that it acts on. The signature is checked last, as the dearest.
    public init(
        _ bytes: [UInt8],
        type: String,
        version: UInt64 = 1,
        understanding: Set<String>
    ) throws(RecordError) {
        guard bytes.count <= RecordSpecification.maximumByteCount else {
            throw .malformed(.tooLarge(limit: RecordSpecification.maximumByteCount))
        }
        guard let parts = try Self.decode(bytes).array, parts.count == 2, let payload = parts[0].bytes,
            let signature = parts[1].fixed(Signature.self)
        else { throw .malformed(nil) }
        let record = try Record(decoding: Self.decode(payload))
        guard record.type == type else { throw .wrongType(received: record.type) }
        guard record.version == version else { throw .unsupportedVersion(record.version) }
        for key in record.critical where !understanding.contains(key) && !RecordSpecification.keys.contains(key) {
            throw .unknownCriticalKey(key)
        }
        guard record.issuer.verifies(signature, over: Self.signedBytes(type: type, payload: payload)) else {
            throw .wrongSignature
        }
        self.record = record
        self.bytes = bytes
    }

    private static func decode(_ bytes: [UInt8]) throws(RecordError) -> CBOR {
        do {
            return try CBOR.decode(bytes)
        } catch {
            throw .malformed(error)
        }
    }

    static func signedBytes(type: String, payload: [UInt8]) -> [UInt8] {
        Array("roost/\(type)".utf8) + [0] + payload
    }
}
