// SPDX-License-Identifier: Apache-2.0
internal import Crypto
internal import FoundationEssentials
internal import Wire

/// HKDF with SHA-256 (RFC 5869) and the labelled form of TLS 1.3 (RFC 8446 §7.1).
public enum HKDF {
    /// The longest output: 255 blocks of 32 bytes (RFC 5869 §2.3).
    public static let maximumByteCount = 255 * 32

    /// The pseudorandom key of a secret. An empty salt counts as 32 zero bytes.
    public static func extract(secret: [UInt8], salt: [UInt8] = []) -> SecretKey {
        let code = Crypto.HKDF<SHA256>.extract(inputKeyMaterial: SymmetricKey(data: secret), salt: salt)
        return SecretKey(exactly: Array(code))
    }

    /// `byteCount` bytes of a pseudorandom key; nil unless `byteCount` is 0 to ``maximumByteCount``.
    public static func expand(_ key: SecretKey, info: [UInt8], byteCount: Int) -> [UInt8]? {
        guard (0...maximumByteCount).contains(byteCount) else { return nil }
        guard byteCount > 0 else { return [] }
        let output = Crypto.HKDF<SHA256>.expand(
            pseudoRandomKey: key.bytes,
            info: info,
            outputByteCount: byteCount
        )
        return unsafe output.withUnsafeBytes { unsafe Array($0) }
    }

    /// Extract and expand; nil for a `byteCount` that ``expand(_:info:byteCount:)`` does not make.
    public static func derive(secret: [UInt8], salt: [UInt8] = [], info: [UInt8], byteCount: Int) -> [UInt8]? {
        expand(extract(secret: secret, salt: salt), info: info, byteCount: byteCount)
    }

    /// Extract and expand to one key.
    public static func deriveKey(secret: [UInt8], salt: [UInt8] = [], info: [UInt8]) -> SecretKey {
        guard let bytes = derive(secret: secret, salt: salt, info: info, byteCount: SecretKey.byteCount) else {
            preconditionFailure("32 bytes are within HKDF's bound")
        }
        return SecretKey(exactly: bytes)
    }

    /// HKDF-Expand-Label with the prefix `tls13 ` (RFC 8446 §7.1): nil when the label has more than 249 bytes, the
    /// context more than 255, or `byteCount` is beyond the bound.
    public static func expandLabel(
        _ key: SecretKey,
        label: String,
        context: [UInt8] = [],
        byteCount: Int
    ) -> [UInt8]? {
        guard let info = labelInfo(label: label, context: context, byteCount: byteCount) else { return nil }
        return expand(key, info: info, byteCount: byteCount)
    }

    /// The encoded `HkdfLabel`: length, prefixed label, context; nil when a field does not fit.
    public static func labelInfo(label: String, context: [UInt8] = [], byteCount: Int) -> [UInt8]? {
        let fullLabel = Array("tls13 \(label)".utf8)
        guard let length = UInt16(exactly: byteCount), let labelLength = UInt8(exactly: fullLabel.count),
            let contextLength = UInt8(exactly: context.count)
        else { return nil }
        var info: [UInt8] = []
        info.append(bigEndian: length)
        info.append(labelLength)
        info += fullLabel
        info.append(contextLength)
        return info + context
    }
}
