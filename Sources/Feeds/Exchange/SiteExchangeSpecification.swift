// SPDX-License-Identifier: Apache-2.0

/// The fixed numbers of site exchange (`docs/protocols/site-exchange.md`).
public enum SiteExchangeSpecification {
    /// The name in the `m` dictionary of the extension handshake (BEP 10).
    public static let extensionName = "rs_site"
    /// What a first visit asks for along with the feed: the page that a site begins with.
    public static let frontPath = ["index.html"]
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
    ///
    /// Answers of 16 KiB make that 8 MiB a second at most; the whole directory of a site of ten thousand files is
    /// fetched in seconds.
    public static let requestBurst = 1024
    /// How many more each second, after the burst.
    public static let requestsPerSecond = 512
    /// How many commands may wait in a session for their turn.
    public static let waitingCommands = 256
    /// After "busy" nothing is asked for this long.
    public static let busyPause = Duration.seconds(1)
    /// How often a command is asked again after "busy".
    public static let busyRetries = 3
    /// How many releases an answer may claim to hold.
    public static let heldReleases = 64
    /// The most digests in a proof: two for each level of a tree of 2^40 leaves and some room.
    public static let proofDigests = 96
}
