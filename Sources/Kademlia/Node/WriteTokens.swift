// SPDX-License-Identifier: Apache-2.0
internal import Keys
public import Wire

/// Proof that whoever writes has read before, from the same address (BEP 5 "Overview").
///
/// A token is 8 bytes of SHA-256 over a secret and the address; the secret changes every five minutes and the one
/// before still counts, so a token lives five to ten minutes.
public struct WriteTokens: Sendable {
    private var current: [UInt8]
    private var previous: [UInt8]
    private var rotated: Instant

    /// `secret` is 16 random bytes.
    public init(secret: [UInt8], now: Instant) {
        current = secret
        previous = secret
        rotated = now
    }

    /// Changes the secret if it is five minutes old; `secret` is only drawn then.
    public mutating func rotate(now: Instant, secret: @autoclosure () -> [UInt8]) {
        guard now - rotated >= DHTSpecification.tokenRotation else { return }
        // After a long sleep both are old.
        let next = secret()
        previous = now - rotated < DHTSpecification.tokenRotation * 2 ? current : next
        current = next
        rotated = now
    }

    public func token(for address: IPAddress) -> [UInt8] { Self.token(current, address) }

    public func accepts(_ token: [UInt8], from address: IPAddress) -> Bool {
        // Both are compared whatever the first gives.
        let first = Self.matches(token, Self.token(current, address))
        let second = Self.matches(token, Self.token(previous, address))
        return first || second
    }

    private static func token(_ secret: [UInt8], _ address: IPAddress) -> [UInt8] {
        Array(Hash.sha256(secret + address.bytes).bytes.prefix(8))
    }

    private static func matches(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.count == right.count && zip(left, right).reduce(0) { $0 | $1.0 ^ $1.1 } == 0
    }
}
