// SPDX-License-Identifier: Apache-2.0

/// The fixed numbers of feeds (`docs/protocols/feeds.md`). Beyond them a feed is refused, naming the number.
public enum FeedSpecification {
    /// The largest entry, in bytes.
    public static let entryBytes = 65_536
    /// The largest signed head, in bytes.
    public static let headBytes = 512
    /// The most entries in one log.
    public static let entries = 1_000_000
    /// The most entry bytes of one log: 16 MiB, about 50,000 releases.
    public static let logBytes = 16 << 20
    /// The most rotations and recoveries in one log whose signatures are checked; later ones do not count.
    public static let keyChanges = 1024
    /// The most other writers that are admitted at one time.
    public static let writers = 256
    /// How many endorsements of a log are shown, the newest; checking each costs a few signatures.
    public static let endorsements = 8
    /// The most files in a release.
    public static let files = 1_000_000
    /// Trackers, and web seeds, of a release: so many URLs of each.
    public static let sources = 16
    /// The longest URL of either, in bytes.
    public static let sourceBytes = 512
    /// The longest piece of a release: a reader has a whole one in memory before it can be shown.
    public static let pieceLength = 16 << 20
    /// The most bytes in a release: 16 TiB.
    public static let releaseBytes: Int64 = 16 << 40
    /// The longest release message and withdrawal reason, in bytes.
    public static let messageBytes = 4096
}
