// SPDX-License-Identifier: Apache-2.0
internal import Wire

@testable internal import Keys

/// Keys that everybody knows. A fuzzer cannot sign, and whoever attacks can, with a key of his own: so a target signs anew what an
/// input changed, or a parser that looks at the signature first would only ever read intact samples to their end.
enum KnownKeys {
    /// Of seeds of 32 equal bytes.
    static let all: [SigningKey] = (0..<32).map { SigningKey(SecretKey(exactly: [UInt8](repeating: $0, count: 32))) }

    private static let byPublicKey = Dictionary(uniqueKeysWithValues: all.map { ($0.publicKey, $0) })

    /// What signs for `key`; nil where nobody here can.
    static func signer(for key: PublicKey?) -> SigningKey? { key.flatMap { byPublicKey[$0] } }

    /// An envelope around any payload, signed by whom it names as its issuer, or by the first of us where that is nobody known.
    static func signed(_ payload: [UInt8], type: String) -> [UInt8] {
        let issuer = (try? Record(decoding: CBOR.decode(payload)))?.issuer
        let signer = signer(for: issuer) ?? FuzzTarget.signer
        let signature = signer.sign(SignedRecord.signedBytes(type: type, payload: payload))
        return CBOR.array([.bytes(payload), .bytes(signature)]).encoded
    }

    /// The same envelope with a right signature, whatever was changed in its payload.
    static func signedAgain(_ envelope: [UInt8], type: String) -> [UInt8] {
        payload(of: envelope).map { signed($0, type: type) } ?? envelope
    }

    /// What an envelope's signature is over.
    static func payload(of envelope: [UInt8]) -> [UInt8]? { (try? CBOR.decode(envelope))?.array?.first?.bytes }
}

extension FuzzTarget {
    /// One of ``KnownKeys``: who has the sites, torrents and identities of the samples.
    static let signer = KnownKeys.all[9]
}
