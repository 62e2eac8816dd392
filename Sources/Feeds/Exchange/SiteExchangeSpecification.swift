// SPDX-License-Identifier: Apache-2.0

/// The fixed numbers of site exchange (`docs/protocols/site-exchange.md`).
public enum SiteExchangeSpecification {
    /// The name in the `m` dictionary of the extension handshake (BEP 10).
    public static let extensionName = "rs_site"
    /// The largest message, in bytes, without the length prefix and the two id bytes.
    public static let messageBytes = 16_384
    /// The most content in one answer, which leaves room for its other fields.
    public static let contentBytes = 15_872
    /// A connection without a message in either direction ends after this.
    public static let idleTimeout = Duration.seconds(30)
    /// A peer that answers nothing for this long while it is asked is left.
    public static let answerTimeout = Duration.seconds(15)
    /// How many requests one side may have open.
    public static let openRequests = 16
    /// How many requests may come at once, and how many more each second.
    public static let requestBurst = 256
    public static let requestsPerSecond = 64
    /// How many releases an answer may claim to hold.
    public static let heldReleases = 64
    /// The most digests in a proof: two for each level of a tree of 2^40 leaves and some room.
    public static let proofDigests = 96
}
