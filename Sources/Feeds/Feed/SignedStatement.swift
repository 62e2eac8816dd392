// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The bytes that a signature of ours is over: a domain in ASCII, then one deterministic CBOR map.
///
/// A map starts with a byte from 0xA0 on, which no domain contains: no two domains can meet in the same bytes.
enum SignedStatement {
    /// The keys of `fields` must differ.
    static func bytes(domain: String, _ fields: [(CBOR, CBOR)]) -> [UInt8] {
        Array(domain.utf8) + encode(fields)
    }

    static func encode(_ fields: [(CBOR, CBOR)]) -> [UInt8] {
        guard let map = CBORMap(fields) else { preconditionFailure("the fields of a statement must differ") }
        return CBOR.map(map).encoded
    }
}
