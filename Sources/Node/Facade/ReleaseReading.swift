// SPDX-License-Identifier: Apache-2.0
public import Wire

/// A release of a site that is known here and provable: what a page load is pinned to.
public struct ReleaseReference: Hashable, Sendable, Codable {
    /// The site's id in hex, 64 digits.
    public var site: String
    /// From 1, one more for each release.
    public var sequence: UInt64
    /// The publisher's name for it, for example `1.2.3`; may be empty.
    public var label: String

    /// Takes each value as it is.
    public init(site: String, sequence: UInt64, label: String) {
        self.site = site
        self.sequence = sequence
        self.label = label
    }
}

/// What stands at a path of a release.
public enum ReleaseEntry: Equatable, Sendable {
    case file(ReleaseFile)
    /// The names directly inside, in order, folders with a trailing `/`.
    case folder([String])
}

/// A file of a release.
public struct ReleaseFile: Hashable, Sendable {
    /// Components from the root of the release.
    public var path: [String]
    /// In bytes.
    public var length: Int64
    /// The hash of the content in hex: the strong `ETag`.
    public var contentHash: String

    /// Takes each value as it is.
    public init(path: [String], length: Int64, contentHash: String) {
        self.path = path
        self.length = length
        self.contentHash = contentHash
    }
}

/// Reads sites. The gateway and the commands know content only through this.
///
/// Every call may be cancelled: what it started for this caller alone ends, what was verified stays.
public protocol ReleaseReading: Sendable {
    /// Whether the site was opened or followed here before, so that a first visit can ask.
    func isKnown(site: Digest256) async -> Bool

    /// Says that the user wants this site: from now on it is known, and looked for.
    func welcome(site: Digest256) async throws(NodeError)

    /// The release that `selector` names. Looks on the network only when `mayUseNetwork`; otherwise answers from what
    /// is here or throws `.unavailable`. Throws `.withdrawn` and `.denied` as they say.
    func release(
        of site: Digest256,
        _ selector: ReleaseSelector,
        mayUseNetwork: Bool
    ) async throws(NodeError) -> ReleaseReference

    /// What stands at `path`; nil where the release has nothing there.
    func entry(
        at path: [String],
        in release: ReleaseReference,
        mayUseNetwork: Bool
    ) async throws(NodeError) -> ReleaseEntry?

    /// Verified bytes of `file` from `offset`: at least one, at most `count`, as soon as they are here.
    ///
    /// `offset` must lie in `0..<file.length`. What is read next is asked from peers first.
    func read(
        _ file: ReleaseFile,
        in release: ReleaseReference,
        from offset: Int64,
        count: Int,
        mayUseNetwork: Bool
    ) async throws(NodeError) -> [UInt8]

    /// What is being done for the site right now, in words for a person who waits.
    func activity(of site: Digest256) async -> SiteActivity
}

/// What the "looking for peers" page shows.
public struct SiteActivity: Equatable, Sendable, Codable {
    /// For example `asking the DHT`, `connecting to peers`, `fetching the index`.
    public var stage: String
    /// Addresses that were said to hold the site.
    public var peersKnown: Int
    /// Connections that stand now.
    public var peersConnected: Int
    /// For this site, from all peers.
    public var bytesReceived: Int64
    /// Peers that offered something else in the site's place: another key, or what its key did not sign.
    public var impostors: Int

    /// Takes each value as it is.
    public init(stage: String, peersKnown: Int, peersConnected: Int, bytesReceived: Int64, impostors: Int = 0) {
        self.stage = stage
        self.peersKnown = peersKnown
        self.peersConnected = peersConnected
        self.bytesReceived = bytesReceived
        self.impostors = impostors
    }
}
