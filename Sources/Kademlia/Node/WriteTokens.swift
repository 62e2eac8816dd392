// SPDX-License-Identifier: Apache-2.0
internal import Keys
public import Wire

/// Proof that whoever writes has read before, from the same address (BEP 5 "Overview").
///
/// A token is SipHash-2-4 of the address under a secret of 16 bytes; the secret changes every five minutes and the one
/// before still counts, so a token lives five to ten minutes. Made and checked without an allocation: each answer to
/// `get_peers` and `get` carries one.
public struct WriteTokens: Sendable {
    /// Of a token on the wire.
    public static let byteCount = 8

    private var current: (UInt64, UInt64)
    private var previous: (UInt64, UInt64)
    private var rotated: Instant

    /// `secret` is 16 random bytes.
    public init(secret: [UInt8], now: Instant) {
        current = Self.words(secret)
        previous = current
        rotated = now
    }

    /// Changes the secret if it is five minutes old; `secret` is only drawn then.
    public mutating func rotate(now: Instant, secret: @autoclosure () -> [UInt8]) {
        guard now - rotated >= DHTSpecification.tokenRotation else { return }
        // After a long sleep both are old.
        let next = Self.words(secret())
        previous = now - rotated < DHTSpecification.tokenRotation * 2 ? current : next
        current = next
        rotated = now
    }

    /// What an address is to show when it writes.
    public func token(for address: IPAddress) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: tag(for: address))
        return bytes
    }

    /// The token's eight bytes, most significant first.
    func tag(for address: IPAddress) -> UInt64 { Self.tag(current, address) }

    /// Whether that address was given the token under the present secret or the one before.
    public func accepts(_ token: [UInt8], from address: IPAddress) -> Bool {
        guard token.count == Self.byteCount else { return false }
        let given = token.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        // Both are compared whatever the first gives, and each as one word.
        let first = given ^ Self.tag(current, address)
        let second = given ^ Self.tag(previous, address)
        return (first == 0) != (second == 0) || first | second == 0
    }

    private static func words(_ secret: [UInt8]) -> (UInt64, UInt64) {
        let words = [0, 8].map { start in secret.dropFirst(start).prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
        return (words[0], words[1])
    }

    private static func tag(_ secret: (UInt64, UInt64), _ address: IPAddress) -> UInt64 {
        var hash = SipHash(key: secret)
        switch address {
        case .v4(let value): return hash.finish(tail: UInt64(value), tailCount: 4)
        case .v6(let high, let low):
            hash.add(high)
            hash.add(low)
            return hash.finish()
        }
    }
}
