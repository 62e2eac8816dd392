// SPDX-License-Identifier: Apache-2.0
public import Keys
public import Wire

/// What a link to a site or a torrent names, before anything is looked up.
public enum SiteAddress: Hashable, Sendable {
    /// `betanet://<64 hex>`: SHA-256 of the site's key. The key comes from whoever holds the site.
    case site(Digest256)
    /// `magnet:?xs=urn:btpk:<64 hex>[&s=<salt hex>]` (BEP 46).
    case key(PublicKey, salt: [UInt8])
    /// `magnet:?xt=urn:btih:` or `urn:btmh:`, or a .torrent file: one immutable tree.
    case tree(v1: Digest160?, v2: Digest256?)
}

/// Which release of a site is meant.
public enum ReleaseSelector: Hashable, Sendable {
    case newest
    case sequence(UInt64)
    case label(String)
}

/// An address with all that a link may add: which release, and where in it.
public struct SiteLink: Hashable, Sendable {
    /// The site or tree.
    public var address: SiteAddress
    /// The release; the newest where the link names none.
    public var selector: ReleaseSelector
    /// Components of the path, percent-decoded; empty for the root.
    public var path: [String]
    /// Peers that the link itself names (`x.pe`): dialled beside those found.
    public var peers: [Endpoint] = []
    /// Trackers and web seeds that the link itself names (`tr`, `ws`).
    var sources = SourceHints()

    /// Takes each value as it is.
    public init(
        address: SiteAddress,
        selector: ReleaseSelector = .newest,
        path: [String] = []
    ) {
        self.address = address
        self.selector = selector
        self.path = path
    }
}
