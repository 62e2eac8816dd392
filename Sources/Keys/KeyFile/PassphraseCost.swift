// SPDX-License-Identifier: Apache-2.0
internal import CSodium
internal import Wire

/// What each guess at a passphrase costs (Argon2id, RFC 9106, one lane).
public struct PassphraseCost: Sendable, Hashable {
    /// The most passes: with the most memory about 17 s on a machine that takes 0.2 s for ``standard``.
    public static let maximumPasses: UInt32 = 16
    /// The least memory, 8 MiB: below, guessing becomes cheap.
    public static let minimumKibibytes: UInt32 = 8 << 10
    /// The most memory, 1 GiB: what a forged file may make its reader take.
    public static let maximumKibibytes: UInt32 = 1 << 20

    /// Passes over the memory.
    public let passes: UInt32
    /// Memory for a guess.
    public let kibibytes: UInt32

    /// Nil outside 1 to 16 passes and 8 MiB to 1 GiB.
    public init?(passes: UInt32, kibibytes: UInt32) {
        guard (1...Self.maximumPasses).contains(passes),
            (Self.minimumKibibytes...Self.maximumKibibytes).contains(kibibytes)
        else { return nil }
        self.init(passes, kibibytes)
    }

    private init(_ passes: UInt32, _ kibibytes: UInt32) {
        self.passes = passes
        self.kibibytes = kibibytes
    }

    /// 3 passes over 64 MiB: RFC 9106 §4's choice for machines with little memory; about 0.2 s.
    public static let standard = PassphraseCost(3, 64 << 10)

    /// 32 bytes from a passphrase and 16 bytes of salt.
    func key(passphrase: [UInt8], salt: [UInt8]) throws(SealedKeyFileError) -> SecretKey {
        precondition(salt.count == Int(crypto_pwhash_SALTBYTES), "a salt is 16 bytes")
        Sodium.start()
        var key = [UInt8](repeating: 0, count: SecretKey.byteCount)
        let text = passphrase.map { CChar(bitPattern: $0) }
        // SAFETY: every buffer has the length that is passed; the salt has its 16 bytes.
        let result = unsafe crypto_pwhash_argon2id(
            &key,
            UInt64(key.count),
            text,
            UInt64(text.count),
            salt,
            UInt64(passes),
            Int(kibibytes) << 10,
            crypto_pwhash_argon2id_ALG_ARGON2ID13
        )
        guard result == 0 else { throw .outOfMemory }
        return SecretKey(exactly: key)
    }
}
