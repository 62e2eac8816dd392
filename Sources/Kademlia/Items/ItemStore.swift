// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Two values that one key signed under one sequence number: proof that the key is misused.
public struct ItemConflict: Hashable, Sendable {
    /// The one that came first.
    public let first: MutableItem
    /// The one with the same key, salt and number, and another value.
    public let second: MutableItem
}

/// The items that this node keeps for the network and for itself.
///
/// Memory: at most `capacity` items of about 1.3 kB each, and as many conflicts as ``maximumConflicts``. When full, the
/// item furthest from our id makes room: those are the ones that other nodes are there for.
public struct ItemStore: Sendable {
    /// Later ones are not kept.
    public static let maximumConflicts = 32

    private enum Content: Sendable {
        case mutable(MutableItem)
        case immutable(ImmutableItem)
    }

    private struct Entry: Sendable {
        var content: Content
        var expires: Instant
        /// Ours to publish: neither expires nor makes room.
        var isOwn: Bool
    }

    private let capacity: Int
    private var entries: [NodeID: Entry] = [:]
    /// Proofs that somebody signed two values under one number, oldest first.
    public private(set) var conflicts: [ItemConflict] = []

    /// `capacity`: items of at most about 1.2 kB.
    public init(capacity: Int) {
        self.capacity = capacity
    }

    /// Items kept, ours among them.
    public var count: Int { entries.count }

    /// The item under that target, if it is mutable and has not expired.
    public func mutable(_ target: NodeID, now: Instant) -> MutableItem? {
        guard let entry = live(target, now), case .mutable(let item) = entry.content else { return nil }
        return item
    }

    /// The value under that target, if it is immutable and has not expired.
    public func immutable(_ target: NodeID, now: Instant) -> ImmutableItem? {
        guard let entry = live(target, now), case .immutable(let item) = entry.content else { return nil }
        return item
    }

    private func live(_ target: NodeID, _ now: Instant) -> Entry? {
        entries[target].flatMap { $0.isOwn || $0.expires > now ? $0 : nil }
    }

    /// Stores under the rules of BEP 44 "put message": never a lower sequence number, and `cas` must match.
    /// - Returns: whether the store changed; the same item again only renews its time.
    @discardableResult
    public mutating func put(
        _ item: MutableItem,
        expecting expected: Int64? = nil,
        isOwn: Bool = false,
        near id: NodeID,
        now: Instant
    ) throws(KRPCFault) -> Bool {
        let target = item.target
        var own = isOwn
        if let current = mutable(target, now: now) {
            if let expected, expected != current.sequence { throw .sequenceMismatch }
            guard item.sequence >= current.sequence else { throw .sequenceTooLow }
            if item.sequence == current.sequence, item.value != current.value {
                record(ItemConflict(first: current, second: item))
                throw .sequenceTooLow
            }
            own = own || entries[target]?.isOwn == true
        }
        let changed = mutable(target, now: now) != item
        insert(.mutable(item), target, isOwn: own, near: id, now: now)
        return changed
    }

    /// Stores or renews. A full store keeps what is closest to `id`; what is ours stays.
    public mutating func put(_ item: ImmutableItem, isOwn: Bool = false, near id: NodeID, now: Instant) {
        let own = isOwn || entries[item.target]?.isOwn == true
        insert(.immutable(item), item.target, isOwn: own, near: id, now: now)
    }

    /// Also what is ours.
    public mutating func remove(_ target: NodeID) { entries[target] = nil }

    /// Keeps evidence; the oldest makes room.
    /// - Returns: whether it is new.
    @discardableResult
    public mutating func record(_ conflict: ItemConflict) -> Bool {
        let known = conflicts.contains {
            $0.first.target == conflict.first.target && $0.first.sequence == conflict.first.sequence
        }
        guard !known else { return false }
        if conflicts.count >= Self.maximumConflicts { conflicts.removeFirst() }
        conflicts.append(conflict)
        return true
    }

    private mutating func insert(
        _ content: Content,
        _ target: NodeID,
        isOwn: Bool,
        near id: NodeID,
        now: Instant
    ) {
        if entries[target] == nil, entries.count >= capacity {
            expire(now: now)
            let others = entries.filter { !$0.value.isOwn }.keys
            if entries.count >= capacity, let furthest = others.max(by: { $0 ^ id < $1 ^ id }) {
                guard isOwn || target ^ id < furthest ^ id else { return }
                entries[furthest] = nil
            }
        }
        entries[target] = Entry(content: content, expires: now + DHTSpecification.itemLifetime, isOwn: isOwn)
    }

    /// Forgets what nobody renewed in two hours (BEP 44 "Expiration").
    public mutating func expire(now: Instant) {
        // Most often there is nothing to remove, and making the dictionary anew is the work.
        guard entries.values.contains(where: { !$0.isOwn && $0.expires <= now }) else { return }
        entries = entries.filter { $0.value.isOwn || $0.value.expires > now }
    }
}
