// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Why bytes are not a record that we accept.
public enum RecordError: Error, Equatable {
    /// Not the two byte strings of an envelope, or the payload inside is no deterministic CBOR.
    case malformed(CBORError?)
    /// A key that every record has is missing or holds a value of another kind or outside its bounds.
    case invalidField(String)
    case wrongType(received: String)
    case unsupportedVersion(UInt64)
    /// A key that must be understood is not.
    case unknownCriticalKey(String)
    case wrongSignature
}
