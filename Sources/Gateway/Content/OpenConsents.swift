// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The "open this site?" questions that are on screens: each carries a token that only its own page knows, is good for
/// one site, once, for ten minutes.
///
/// Holds at most ``capacity`` tokens of about 120 bytes; the oldest goes first.
struct OpenConsents: ~Copyable {
    static let capacity = 256
    static let lifetime: Duration = .seconds(600)

    private var tokens: [String: (site: Digest256, expires: ContinuousClock.Instant)] = [:]

    /// The page was shown. `random` are 16 unguessable bytes.
    mutating func asked(_ site: Digest256, random: [UInt8], now: ContinuousClock.Instant) -> String {
        if tokens.count >= Self.capacity, let oldest = tokens.min(by: { $0.value.expires < $1.value.expires }) {
            tokens[oldest.key] = nil
        }
        let token = Hex.encode(random)
        tokens[token] = (site, now.advanced(by: Self.lifetime))
        return token
    }

    /// The answer came back. True once for each token, for its own site, in time.
    mutating func answered(_ site: Digest256, token: String, now: ContinuousClock.Instant) -> Bool {
        guard let question = tokens[token], question.site == site else { return false }
        tokens[token] = nil
        return now < question.expires
    }
}
