// SPDX-License-Identifier: Apache-2.0

/// `roost fetch`.
public struct FetchRequest: Equatable, Sendable, Codable {
    /// Any address of a site or tree.
    public var link: String
    /// Absolute path of a folder that is absent or empty; nil only keeps the site in the store.
    public var directory: String?
    /// Peers to dial beside those found, `host:port` each.
    public var peers: [String]
    /// Whether the result tells each event.
    public var trace: Bool

    /// Takes each value as it is.
    public init(link: String, directory: String?, peers: [String] = [], trace: Bool = false) {
        self.link = link
        self.directory = directory
        self.peers = peers
        self.trace = trace
    }
}

/// What came, and at what cost.
public struct FetchResult: Equatable, Sendable, Codable {
    /// Its address.
    public var site: String
    /// The release's number.
    public var seq: UInt64
    /// Its name.
    public var label: String
    /// The folder that was written; nil where the site was only kept.
    public var dir: String?
    /// In the release.
    public var files: Int
    /// All files together.
    public var bytes: Int64
    /// Bytes received from peers for it, all of them.
    public var received: Int64
    /// From the request to the last file.
    public var seconds: Double
    /// How many gave something.
    public var peers: Int
    /// Paths of the site that the folder has under another name, since not every system allows them; nil where none has.
    public var renamed: [String]?
    /// With `--trace`: one line an event.
    public var trace: [String]?

    /// Takes each value as it is.
    public init(
        site: String,
        seq: UInt64,
        label: String,
        dir: String?,
        files: Int,
        bytes: Int64,
        received: Int64,
        seconds: Double,
        peers: Int,
        renamed: [String]? = nil,
        trace: [String]? = nil
    ) {
        self.site = site
        self.seq = seq
        self.label = label
        self.dir = dir
        self.files = files
        self.bytes = bytes
        self.received = received
        self.seconds = seconds
        self.peers = peers
        self.renamed = renamed
        self.trace = trace
    }
}

/// `roost open`.
public struct OpenResult: Equatable, Sendable, Codable {
    /// The address for a browser.
    public var url: String
    /// Its address.
    public var site: String
    /// One plain sentence on what others can see.
    public var exposed: String

    /// Takes each value as it is.
    public init(url: String, site: String, exposed: String) {
        self.url = url
        self.site = site
        self.exposed = exposed
    }
}
