// SPDX-License-Identifier: Apache-2.0
public import Keys
public import Wire

/// What a site's log says when it is read from the start: the same entries give the same state everywhere.
///
/// No entry stops the reading except one that calls itself critical: entries that are malformed, out of order or not
/// theirs to make are kept in ``ignored`` and have no effect.
public struct FeedState: Equatable, Sendable {
    /// A release and how it came into the log.
    public struct PublishedRelease: Equatable, Sendable {
        /// As it was published; ``withdrawal`` does not change it.
        public let release: Release
        /// Which entry of the log it is.
        public let index: Int
        /// Who wrote it.
        public let writer: PublicKey
        public fileprivate(set) var withdrawal: Withdrawal?
    }

    /// A rotation or a recovery, and where it stands.
    public struct Change: Equatable, Sendable {
        /// Which entry of the log it is.
        public let index: Int
        /// Always ``FeedEntry/rotate(_:)`` or ``FeedEntry/recover(_:)``.
        public let entry: FeedEntry
    }

    /// What an identity is said to have signed for the site. Nothing in it has been checked.
    public struct ClaimedEndorsement: Equatable, Sendable {
        /// Which entry of the log it is.
        public let index: Int
        /// Who wrote the log when it was added: only an endorsement that this key signed too holds.
        public let writer: PublicKey
        /// The bytes of an ``Endorsement``, as they stand in the log.
        public let proof: [UInt8]
    }

    /// An entry without effect.
    public struct Ignored: Equatable, Sendable {
        /// Which entry of the log it is.
        public let index: Int
        /// What is wrong with it.
        public let reason: FeedError
    }

    /// SHA-256 of the site key.
    public let site: Digest256
    /// The key of the root record.
    public let siteKey: PublicKey
    /// Who signs heads of this size.
    public private(set) var writer: PublicKey
    /// SHA-256 of the key that may take over by rotation.
    public private(set) var next: Digest256
    /// SHA-256 of the key that may take over by recovery.
    public private(set) var recovery: Digest256
    /// Keys of other logs that are admitted, ascending. Their releases do not count yet.
    public private(set) var writers: [PublicKey]
    /// How often the log has changed hands so far.
    public private(set) var epoch = FeedEpoch()
    /// Ascending by number, withdrawn ones included.
    public private(set) var releases: [PublishedRelease] = []
    /// Rotations and recoveries, in order.
    public private(set) var changes: [Change] = []
    /// The last ``FeedSpecification/endorsements``, in order.
    public private(set) var endorsements: [ClaimedEndorsement] = []
    /// Entries without effect, in order.
    public private(set) var ignored: [Ignored] = []
    /// The entry that this version may not go past, if there is one. What follows is kept, not read.
    public private(set) var blockedAt: Int?
    /// How many signatures of key changes have been checked.
    private var keyChangeChecks = 0
    /// How many entries have been read.
    public private(set) var size = 1

    /// Starts from entry 0 as received. It must be a root record signed by the key that gives `site`.
    public init(site: Digest256, rootEntry: [UInt8]) throws(FeedError) {
        guard case .root(let root) = try FeedEntry.parse(rootEntry), root.key.identifier == site, root.isSigned else {
            throw .wrongRoot
        }
        self.site = site
        siteKey = root.key
        writer = root.key
        next = root.next
        recovery = root.recovery
        writers = root.writers
    }

    /// The newest release that is not withdrawn.
    public var newest: PublishedRelease? { releases.last { $0.withdrawal == nil } }

    /// The number for the next release; nil when there is none left, which only a thief brings about.
    public var nextSeq: Int64? {
        guard let last = releases.last?.release.seq else { return 1 }
        return last == .max ? nil : last + 1
    }

    /// The release of that number, withdrawn or not.
    public func release(seq: Int64) -> PublishedRelease? { position(of: seq).map { releases[$0] } }

    /// The newest release called `label`.
    public func release(label: String) -> PublishedRelease? {
        releases.last { $0.release.label.utf8.elementsEqual(label.utf8) }
    }

    private func position(of seq: Int64) -> Int? {
        var range = releases.indices
        while let first = range.first {
            let middle = first + range.count / 2
            let found = releases[middle].release.seq
            if found == seq { return middle }
            range = found < seq ? middle + 1..<range.upperBound : first..<middle
        }
        return nil
    }
}

extension FeedState {
    /// Reads the next entry; `rootBefore` is the root of the log over the entries before it.
    mutating func apply(_ bytes: [UInt8], rootBefore: Digest256) {
        defer { size += 1 }
        guard blockedAt == nil else { return }
        do throws(FeedError) {
            try apply(try FeedEntry.parse(bytes), at: LogPosition(site: site, size: size, root: rootBefore))
        } catch .unknownCritical {
            blockedAt = size
        } catch {
            ignored.append(Ignored(index: size, reason: error))
        }
    }

    private mutating func apply(_ entry: FeedEntry, at position: LogPosition) throws(FeedError) {
        switch entry {
        case .root: throw .wrongRoot
        case .release(let release):
            guard release.seq > releases.last?.release.seq ?? 0 else { throw .invalid(field: "seq") }
            releases.append(PublishedRelease(release: release, index: size, writer: writer))
        case .withdraw(let withdrawal):
            guard let index = self.position(of: withdrawal.seq), releases[index].withdrawal == nil else {
                throw .invalid(field: "seq")
            }
            releases[index].withdrawal = withdrawal
        case .rotate(let rotation): try rotate(rotation, at: position)
        case .recover(let recovery): try recover(recovery, at: position)
        case .admit(let key): try admit(key)
        case .remove(let key, _):
            guard let index = writers.firstIndex(of: key) else { throw .invalid(field: "key") }
            writers.remove(at: index)
        case .endorse(let proof):
            endorsements.append(ClaimedEndorsement(index: size, writer: writer, proof: proof))
            if endorsements.count > FeedSpecification.endorsements { endorsements.removeFirst() }
        case .unknown: break
        }
    }

    private mutating func rotate(_ rotation: Rotation, at position: LogPosition) throws(FeedError) {
        guard rotation.position == position else { throw .invalid(field: "root") }
        guard rotation.key.identifier == next else { throw .invalid(field: "key") }
        try countKeyChange()
        guard rotation.isSigned else { throw .invalid(field: "sig") }
        writer = rotation.key
        next = rotation.next
        epoch.rotations += 1
        changes.append(Change(index: size, entry: .rotate(rotation)))
    }

    private mutating func recover(_ recovery: Recovery, at position: LogPosition) throws(FeedError) {
        guard recovery.position == position else { throw .invalid(field: "root") }
        guard recovery.revealed.identifier == self.recovery else { throw .invalid(field: "with") }
        try countKeyChange()
        guard recovery.isSigned else { throw .invalid(field: "sig") }
        writer = recovery.key
        next = recovery.next
        self.recovery = recovery.recovery
        epoch.recoveries += 1
        changes.append(Change(index: size, entry: .recover(recovery)))
    }

    /// A log of nothing but key changes would cost its readers seconds of checking signatures.
    private mutating func countKeyChange() throws(FeedError) {
        guard keyChangeChecks < FeedSpecification.keyChanges else {
            throw .tooManyKeyChanges(limit: FeedSpecification.keyChanges)
        }
        keyChangeChecks += 1
    }

    private mutating func admit(_ key: PublicKey) throws(FeedError) {
        guard writers.count < FeedSpecification.writers, !writers.contains(key) else { throw .invalid(field: "key") }
        writers.insert(key, at: writers.firstIndex { key < $0 } ?? writers.endIndex)
    }
}
