// SPDX-License-Identifier: Apache-2.0
internal import CSodium
internal import Wire

/// 32 secret bytes: a symmetric key, a seed or a shared secret. Prints as a placeholder, compares in constant time.
public struct SecretKey: Sendable, CustomStringConvertible, CustomReflectable {
    /// 256 bits, as every cipher and curve here takes them.
    public static let byteCount = 32

    /// The secret itself: where it goes from here is the caller's to answer for.
    public let bytes: [UInt8]

    /// Nil unless `bytes` holds exactly 32 bytes.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = Array(bytes)
    }

    /// For bytes whose count is fixed by what made them.
    init(exactly bytes: [UInt8]) {
        precondition(bytes.count == Self.byteCount, "a secret key is 32 bytes")
        self.bytes = bytes
    }

    /// A placeholder: the secret must not reach a log by accident.
    public var description: String { "<hidden>" }
    /// Empty, so that `dump` shows no secret either.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension SecretKey: Equatable {
    /// In the same time whatever the bytes: no guess learns how much of it was right.
    public static func == (left: SecretKey, right: SecretKey) -> Bool {
        // SAFETY: both arrays hold 32 bytes, by every initialiser.
        unsafe sodium_memcmp(left.bytes, right.bytes, byteCount) == 0
    }
}
