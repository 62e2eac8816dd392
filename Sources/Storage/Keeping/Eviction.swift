// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Decides which files go when more is kept than agreed: those that nobody has asked for the longest.
///
/// Pure: the same holdings give the same decision. What is own or pinned never goes, and neither does what is in use.
public struct Eviction: Equatable, Sendable {
    /// One file that is kept.
    public struct Holding: Equatable, Sendable {
        /// Which file.
        public var key: ContentKey
        /// Bytes on disk.
        public var bytes: Int64
        /// When it was last asked for, in seconds since 1970; 0 where nothing refers to it any more.
        public var wantedAt: Int64
        /// Part of an own or pinned site, or being read.
        public var isProtected: Bool

        /// `bytes` below 0 makes it no candidate.
        public init(key: ContentKey, bytes: Int64, wantedAt: Int64, isProtected: Bool) {
            self.key = key
            self.bytes = bytes
            self.wantedAt = wantedAt
            self.isProtected = isProtected
        }
    }

    /// Once over the quota, this part of it is left free, so that the next page does not evict again: one sixteenth.
    public static let slack: Int64 = 16

    /// What to remove, in order.
    public var victims: [ContentKey] = []
    /// Bytes that count against the quota before and after: what is protected does not count.
    public var bytesBefore: Int64 = 0
    /// Equal to ``bytesBefore`` where nothing has to go.
    public var bytesAfter: Int64 = 0

    /// Decides for a quota in bytes of what is neither own nor pinned; 0 keeps nothing of that.
    public init(of holdings: [Holding], quota: Int64) {
        let quota = max(0, quota)
        let candidates = holdings.filter { !$0.isProtected && $0.bytes >= 0 }
        bytesBefore = candidates.reduce(0) { $0.addingReportingOverflow($1.bytes).overflow ? .max : $0 + $1.bytes }
        bytesAfter = bytesBefore
        let orphans = candidates.filter { $0.wantedAt <= 0 }
        remove(orphans)
        guard bytesAfter > quota else { return }
        let target = quota - quota / Self.slack
        for holding in candidates.filter({ $0.wantedAt > 0 }).sorted(by: Self.goesFirst) where bytesAfter > target {
            remove([holding])
        }
    }

    private mutating func remove(_ holdings: [Holding]) {
        for holding in holdings.sorted(by: Self.goesFirst) {
            victims.append(holding.key)
            bytesAfter -= min(bytesAfter, holding.bytes)
        }
    }

    /// The longest unwanted first; among equals the larger, then by name so that every run decides alike.
    private static func goesFirst(_ left: Holding, _ right: Holding) -> Bool {
        if left.wantedAt != right.wantedAt { return left.wantedAt < right.wantedAt }
        if left.bytes != right.bytes { return left.bytes > right.bytes }
        return left.key.name < right.key.name
    }
}
