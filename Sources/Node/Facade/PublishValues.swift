// SPDX-License-Identifier: Apache-2.0

/// `roost publish`.
public struct PublishRequest: Equatable, Sendable, Codable {
    /// Absolute path of the folder.
    public var directory: String
    /// An address of an own site; nil takes the folder's marker, or makes a new site where ``new``.
    public var site: String?
    /// Makes a new site, even where the folder names one.
    public var new: Bool
    /// The identity that endorses the site, by name.
    public var by: String?
    /// The release's name, for example `1.2.3`; nil counts on from the last.
    public var label: String?
    /// What changed, for readers of the history.
    public var message: String?
    /// How many peers are to have all of it before the call ends, 1 to 200; nil asks nobody.
    public var push: Int?

    /// Takes each value as it is.
    public init(
        directory: String,
        site: String? = nil,
        new: Bool = false,
        by: String? = nil,
        label: String? = nil,
        message: String? = nil,
        push: Int? = nil
    ) {
        self.push = push
        self.directory = directory
        self.site = site
        self.new = new
        self.by = by
        self.label = label
        self.message = message
    }
}

/// The release that now stands, and how to reach it.
public struct PublishResult: Equatable, Sendable, Codable {
    /// An entry of the folder that is not part of the release.
    public struct Skipped: Equatable, Sendable, Codable {
        /// Relative to the folder.
        public var path: String
        /// For example that a link leaves the folder.
        public var why: String

        /// Takes each value as it is.
        public init(path: String, why: String) {
            self.path = path
            self.why = why
        }
    }

    /// `betanet://<64 hex>`.
    public var site: String
    /// The site's public key in hex.
    public var key: String
    /// The BEP 46 magnet link.
    public var magnet: String
    /// Infohashes in hex.
    public var v1: String
    /// Of the v2 torrent: 64 digits.
    public var v2: String
    /// The release's number, from 1.
    public var seq: UInt64
    /// Its name.
    public var label: String
    /// In the release.
    public var files: Int
    /// All files together.
    public var bytes: Int64
    /// What was left out, and why; at most some thousand entries.
    public var skipped: [Skipped]
    /// The address for this machine's browser.
    public var gateway: String
    /// Bytes that the content store did not have before.
    public var added: Int64
    /// From the request to the durable release.
    public var seconds: Double
    /// Of a new site: the file with its recovery kit, which the owner is to move away.
    public var recoveryKit: String?
    /// What became of a push; nil where none was asked for.
    public var pushed: PushReport?

    /// Takes each value as it is.
    public init(
        site: String,
        key: String,
        magnet: String,
        v1: String,
        v2: String,
        seq: UInt64,
        label: String,
        files: Int,
        bytes: Int64,
        skipped: [Skipped],
        gateway: String,
        added: Int64,
        seconds: Double,
        recoveryKit: String? = nil
    ) {
        self.site = site
        self.key = key
        self.magnet = magnet
        self.v1 = v1
        self.v2 = v2
        self.seq = seq
        self.label = label
        self.files = files
        self.bytes = bytes
        self.skipped = skipped
        self.gateway = gateway
        self.added = added
        self.seconds = seconds
        self.recoveryKit = recoveryKit
    }
}

/// To whom a release was brought.
public struct PushReport: Equatable, Sendable, Codable {
    /// How many copies were asked for.
    public var wanted: Int
    /// How many peers say that they hold all of it.
    public var stored: Int
    /// Peers that keep for others and could be found.
    public var found: Int
    /// Of these, how many were asked and did not take it.
    public var refused: Int
    /// The addresses of those that hold it, `host:port` each.
    public var peers: [String]

    /// Takes each value as it is.
    public init(wanted: Int, stored: Int, found: Int, refused: Int, peers: [String]) {
        self.wanted = wanted
        self.stored = stored
        self.found = found
        self.refused = refused
        self.peers = peers
    }
}
