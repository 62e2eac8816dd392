// SPDX-License-Identifier: Apache-2.0
internal import CSodium
internal import Wire

/// ChaCha20-Poly1305 with a 96-bit nonce (RFC 8439).
///
/// A nonce must never serve twice with one key.
public enum ChaChaPoly {
    static let tagByteCount = 16

    /// 96 bits that serve once with a key.
    public struct Nonce: Sendable, Hashable {
        static let byteCount = 12
        /// As they go into the cipher.
        public let bytes: [UInt8]

        /// Nil unless `bytes` holds exactly 12 bytes.
        public init?(_ bytes: some Collection<UInt8>) {
            guard bytes.count == Self.byteCount else { return nil }
            self.bytes = Array(bytes)
        }

        /// Four zero bytes and the counter, least significant byte first: the form of Noise (revision 34, §12.3).
        public init(counter: UInt64) {
            var bytes = [UInt8](repeating: 0, count: 4)
            bytes.append(bigEndian: counter.byteSwapped)
            self.bytes = bytes
        }
    }

    /// The ciphertext, as long as the plaintext, and the tag behind it.
    public static func seal(
        _ plaintext: [UInt8],
        key: SecretKey,
        nonce: Nonce,
        authenticating additional: [UInt8] = []
    ) -> [UInt8] {
        Sodium.start()
        var ciphertext = [UInt8](repeating: 0, count: plaintext.count)
        var tag = [UInt8](repeating: 0, count: tagByteCount)
        // SAFETY: every buffer has the length that is passed or that the function fixes: key 32, nonce 12, tag 16.
        unsafe crypto_aead_chacha20poly1305_ietf_encrypt_detached(
            &ciphertext,
            &tag,
            nil,
            plaintext,
            UInt64(plaintext.count),
            additional,
            UInt64(additional.count),
            nil,
            nonce.bytes,
            key.bytes
        )
        return ciphertext + tag
    }

    /// The plaintext of ciphertext and tag; nil for anything that was not sealed with the same key, nonce and
    /// additional data.
    public static func open(
        _ sealed: some Collection<UInt8>,
        key: SecretKey,
        nonce: Nonce,
        authenticating additional: [UInt8] = []
    ) -> [UInt8]? {
        Sodium.start()
        guard sealed.count >= tagByteCount else { return nil }
        let ciphertext = Array(sealed.dropLast(tagByteCount))
        let tag = Array(sealed.suffix(tagByteCount))
        var plaintext = [UInt8](repeating: 0, count: ciphertext.count)
        // SAFETY: as in seal.
        let result = unsafe crypto_aead_chacha20poly1305_ietf_decrypt_detached(
            &plaintext,
            nil,
            ciphertext,
            UInt64(ciphertext.count),
            tag,
            additional,
            UInt64(additional.count),
            nonce.bytes,
            key.bytes
        )
        return result == 0 ? plaintext : nil
    }
}
