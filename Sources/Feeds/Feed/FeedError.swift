// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Why bytes are no head, entry or feed that we accept. Fields are named by their keys on the wire.
public enum FeedError: Error, Equatable {
    case tooLarge(limit: Int)
    case tooManyEntries(limit: Int)
    case tooManyKeyChanges(limit: Int)
    case malformed(CBORError)
    /// The bytes are CBOR, but no map with a `type`.
    case notAnEntry
    case missing(field: String)
    case invalid(field: String)
    /// The issuer says that who does not understand this field must not go on.
    case unknownCritical(field: String)
    /// Entry 0 is no root record, or not signed by the key that the site is named by.
    case wrongRoot
}
