// SPDX-License-Identifier: Apache-2.0
public import Keys
public import Wire

/// A message of site exchange: the payload of one extended message (BEP 10).
public enum SiteMessage: Equatable, Sendable {
    case request(id: UInt32, SiteQuery)
    case answer(id: UInt32, SiteAnswer)
    case refuse(id: UInt32, SiteRefusal)
    /// A signed head that the sender follows and takes to be newer than the receiver's; not answered.
    case news(head: [UInt8])
}

/// What one side asks of the other about the site that the connection is for.
public enum SiteQuery: Equatable, Sendable {
    case key
    case head
    /// The stream of entries from entry `from` on, beginning at byte `offset` of it.
    case entries(from: Int, offset: Int)
    /// A directory node, from byte `offset` on.
    case node(Digest256, offset: Int)
    /// The directory nodes from `node` on that lead along `path`.
    case path(node: Digest256, path: [String])
    case consistency(old: Int, new: Int)
    case inclusion(index: Int, size: Int)
    /// The directory nodes that lead along `path` from the root of the newest release.
    case front(path: [String])
}

/// What one side tells the other, of which the asker believes nothing unchecked.
public enum SiteAnswer: Equatable, Sendable {
    /// The site key, whose SHA-256 is the site id.
    case key(PublicKey)
    /// A signed head, and the numbers of releases whose files the sender has completely.
    case head([UInt8], holds: [Int64])
    /// Part of the stream of entries: each as a length of four bytes, most significant first, and its bytes.
    case entries(from: Int, offset: Int, [UInt8])
    /// Part of a node of `total` bytes.
    case node(Digest256, total: Int, offset: Int, [UInt8])
    /// Whole nodes, each the one that the node before it leads to.
    case nodes([[UInt8]])
    case proof([Digest256])
}

/// Why a query has no answer; the number is what the message carries.
public enum SiteRefusal: Int, Sendable {
    /// The request is of a type that this side does not know, or makes no sense.
    case notUnderstood = 0
    /// This side does not have it.
    case notHeld = 1
    /// Too many requests; ask later or elsewhere.
    case busy = 2
    /// It does not fit a message in this form; ask for it in parts.
    case tooLarge = 3
    /// A rule of this node forbids it.
    case denied = 4
}

/// Why bytes are no message of site exchange.
public enum SiteMessageError: Error, Equatable {
    case malformed(BencodeError)
    case missing(field: String)
    case invalid(field: String)
    /// A type from a later version, with the id to refuse by, if it has one.
    case unknownType(id: UInt32?)
}
