// SPDX-License-Identifier: Apache-2.0
internal import CSodium
internal import Wire

/// A file that holds secret keys, encrypted and authenticated with XChaCha20-Poly1305.
///
///     "ROOSTKEY" ‖ version 1 ‖ protection ‖ [passes u32 ‖ memory in KiB u32 ‖ salt 16] ‖ nonce 24 ‖ ciphertext ‖ tag 16
///
/// The part in brackets is there when a passphrase protects the file (Argon2id, RFC 9106); otherwise the local key of
/// the home does. Everything before the ciphertext, and the file's purpose, is authenticated, so that a file cannot
/// be renamed into another's place.
public struct SealedKeyFile: Sendable {
    /// What opens the file; the number stands in it.
    public enum Protection: UInt8, Sendable {
        /// Whoever can read the home can open it.
        case localKey = 0
        case passphrase = 1
    }

    /// What a caller opens or seals a file with.
    public enum Secret: Sendable {
        case localKey(SecretKey)
        /// As the person typed it, in UTF-8, without the line's end.
        case passphrase([UInt8])
    }

    /// The largest file.
    public static let maximumByteCount = 65_536
    /// How many random bytes sealing takes: a nonce of 24, then a salt of 16.
    public static let randomByteCount = 40

    private static let magic = Array("ROOSTKEY".utf8)
    private static let version: UInt8 = 1
    private static let nonceByteCount = 24
    private static let saltByteCount = 16
    private static let tagByteCount = 16

    /// Which secret it takes to open it: a person may have to be asked.
    public let protection: Protection
    private let cost: PassphraseCost?
    private let salt: [UInt8]
    private let nonce: [UInt8]
    /// Everything before the ciphertext.
    private let header: [UInt8]
    private let sealed: [UInt8]

    /// Reads a file's header. That a file is what it says shows only when it is opened.
    public init(_ bytes: [UInt8]) throws(SealedKeyFileError) {
        guard bytes.count <= Self.maximumByteCount else { throw .tooLarge }
        var reader = ByteReader(bytes)
        guard let magic = reader.read(count: Self.magic.count), magic.elementsEqual(Self.magic) else {
            throw .notAKeyFile
        }
        guard let version = reader.read(UInt8.self), version == Self.version else { throw .unsupportedVersion }
        guard let protection = reader.read(UInt8.self).flatMap(Protection.init(rawValue:)) else { throw .notAKeyFile }
        self.protection = protection
        if protection == .passphrase {
            guard let passes = reader.read(UInt32.self), let memory = reader.read(UInt32.self),
                let salt = reader.read(count: Self.saltByteCount)
            else { throw .notAKeyFile }
            guard let cost = PassphraseCost(passes: passes, kibibytes: memory) else { throw .costOutOfBounds }
            self.cost = cost
            self.salt = Array(salt)
        } else {
            cost = nil
            salt = []
        }
        guard let nonce = reader.read(count: Self.nonceByteCount), reader.remaining.count >= Self.tagByteCount else {
            throw .notAKeyFile
        }
        self.nonce = Array(nonce)
        header = Array(bytes.dropLast(reader.remaining.count))
        sealed = Array(reader.remaining)
    }

    /// The content. `purpose` is what it was sealed for.
    ///
    /// With a passphrase this takes a noticeable part of a second and the memory that the file asks for, at most
    /// ``PassphraseCost/maximumKibibytes``. A wrong secret and a damaged file give the same error.
    public func open(with secret: Secret, purpose: String) throws(SealedKeyFileError) -> [UInt8] {
        let key = try Self.key(for: secret, cost: cost, salt: salt)
        let additional = Self.additionalData(header: header, purpose: purpose)
        var content = [UInt8](repeating: 0, count: sealed.count - Self.tagByteCount)
        // SAFETY: `content` is a tag shorter than `sealed`; nonce and key have their 24 and 32 bytes.
        let result = unsafe crypto_aead_xchacha20poly1305_ietf_decrypt(
            &content,
            nil,
            nil,
            sealed,
            UInt64(sealed.count),
            additional,
            UInt64(additional.count),
            nonce,
            key.bytes
        )
        guard result == 0 else { throw .authenticationFailed }
        return content
    }

    /// A file with `content`, for `purpose`, with ``randomByteCount`` random bytes. `cost` counts where a passphrase
    /// protects it.
    public static func seal(
        _ content: [UInt8],
        purpose: String,
        with secret: Secret,
        cost: PassphraseCost = .standard,
        random: [UInt8]
    ) throws(SealedKeyFileError) -> [UInt8] {
        precondition(random.count == randomByteCount, "a nonce and a salt are 40 bytes")
        let nonce = Array(random.prefix(nonceByteCount))
        let salt = Array(random.suffix(saltByteCount))
        var header = magic + [version]
        var usedCost: PassphraseCost?
        switch secret {
        case .localKey: header.append(Protection.localKey.rawValue)
        case .passphrase:
            usedCost = cost
            header.append(Protection.passphrase.rawValue)
            header.append(bigEndian: cost.passes)
            header.append(bigEndian: cost.kibibytes)
            header += salt
        }
        header += nonce
        guard header.count + content.count + tagByteCount <= maximumByteCount else { throw .tooLarge }
        let key = try key(for: secret, cost: usedCost, salt: salt)
        let additional = additionalData(header: header, purpose: purpose)
        var sealed = [UInt8](repeating: 0, count: content.count + tagByteCount)
        // SAFETY: `sealed` is a tag longer than `content`; nonce and key have their 24 and 32 bytes.
        unsafe crypto_aead_xchacha20poly1305_ietf_encrypt(
            &sealed,
            nil,
            content,
            UInt64(content.count),
            additional,
            UInt64(additional.count),
            nil,
            nonce,
            key.bytes
        )
        return header + sealed
    }

    private static func additionalData(header: [UInt8], purpose: String) -> [UInt8] { header + Array(purpose.utf8) }

    /// - Precondition: with a cost comes a salt of 16 bytes.
    private static func key(
        for secret: Secret,
        cost: PassphraseCost?,
        salt: [UInt8]
    ) throws(SealedKeyFileError) -> SecretKey {
        Sodium.start()
        switch (secret, cost) {
        case (.localKey(let key), nil): return key
        case (.passphrase(let passphrase), .some(let cost)): return try cost.key(passphrase: passphrase, salt: salt)
        default: throw .otherSecretNeeded
        }
    }
}
