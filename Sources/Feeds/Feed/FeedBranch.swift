// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// A history of a site that did not become, or did not stay, the one that is followed. Kept to be shown.
public struct FeedBranch: Equatable, Sendable {
    /// Why the history is not the one that is followed.
    public enum Kind: String, Sendable {
        /// A recovery or rotation cut it off.
        case superseded
        /// The same writer signed it beside the one that is followed: proof of a stolen key or of a dishonest owner.
        case fork
    }

    /// Whether it tells of a key change or of a contradiction.
    public let kind: Kind
    /// The signed head of that history.
    public let head: SignedHead
    /// The first entry that differs.
    public let start: Int
    /// Its entries from ``start`` on, as many as are known and fit ``maximumBytes``.
    public let entries: [[UInt8]]

    /// The most entry bytes kept of one branch.
    public static let maximumBytes = 256 << 10

    /// Entries beyond ``maximumBytes`` are left out.
    public init(kind: Kind, head: SignedHead, start: Int, entries: some Sequence<[UInt8]>) {
        self.kind = kind
        self.head = head
        self.start = start
        var kept: [[UInt8]] = []
        var bytes = 0
        for entry in entries {
            bytes += entry.count
            guard bytes <= Self.maximumBytes else { break }
            kept.append(entry)
        }
        self.entries = kept
    }

    /// The releases in it, for showing only.
    public var releases: [Release] {
        entries.compactMap {
            guard case .release(let release) = try? FeedEntry.parse($0) else { return nil }
            return release
        }
    }
}
