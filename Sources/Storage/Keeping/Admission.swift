// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
public import Wire

/// The one point that is asked before anything of others is stored, served, shown, announced or put again.
///
/// Answers come from memory and do not block. Memory: about 150 bytes a rule.
public final class Admission: Sendable {
    /// What is about to be done.
    public enum Action: Sendable, CaseIterable {
        /// Keep bytes, a feed or an item that this node asked for.
        case store
        /// Keep what a peer pushed without being asked: a write to a stranger's disk, refused unless allowed.
        case storeUnsolicited
        case serve
        case show
        case announce
        case put
    }

    /// All that is known of a thing; each part that is given is looked up.
    public struct Subject: Sendable {
        /// The site that it is part of.
        public var site: Digest256?
        /// The v1 infohash of its torrent.
        public var v1: Digest160?
        /// The v2 infohash of its torrent.
        public var v2: Digest256?
        /// The BEP 52 root of the file.
        public var file: Digest256?
        /// The label of the release.
        public var label: String?
        /// 20 bytes from a handshake or the DHT: a v1 infohash, or the beginning of a v2 infohash or a site id.
        public var short: Digest160?

        /// What is not known is left out, and nothing is found under it.
        public init(
            site: Digest256? = nil,
            v1: Digest160? = nil,
            v2: Digest256? = nil,
            file: Digest256? = nil,
            label: String? = nil,
            short: Digest160? = nil
        ) {
            self.site = site
            self.v1 = v1
            self.v2 = v2
            self.file = file
            self.label = label
            self.short = short
        }
    }

    /// What is to be done about it.
    public enum Verdict: Equatable, Sendable {
        case admitted
        case denied(AdmissionRule)
        /// It was not asked for, and this node takes nothing unasked.
        case unsolicited
    }

    private let table: Mutex<AdmissionTable>
    private let allowsUnsolicited: Atomic<Bool>

    /// `rules` of all lists; `allowsUnsolicited` as the configuration says.
    public init(rules: [AdmissionRule] = [], allowsUnsolicited: Bool = false) {
        table = Mutex(AdmissionTable(rules: rules))
        self.allowsUnsolicited = Atomic(allowsUnsolicited)
    }

    /// Whether anything is taken in unasked, from now on.
    public func allowUnsolicited(_ allows: Bool) { allowsUnsolicited.store(allows, ordering: .relaxed) }

    /// Judges one thing. Denied wins over unsolicited; no two callers can get different answers from one set of rules.
    public func verdict(on action: Action, of subject: Subject) -> Verdict {
        if let rule = denial(of: subject) { return .denied(rule) }
        return action == .storeUnsolicited && !allowsUnsolicited.load(ordering: .relaxed) ? .unsolicited : .admitted
    }

    /// Whether the verdict is that it is admitted.
    public func admits(_ action: Action, _ subject: Subject) -> Bool {
        verdict(on: action, of: subject) == .admitted
    }

    /// The rule that forbids it, the local list's before others'; nil where none does.
    public func denial(of subject: Subject) -> AdmissionRule? { table.withLock { $0.denial(of: subject) } }

    /// Of all lists, ordered by list, kind and value.
    public var rules: [AdmissionRule] { table.withLock { $0.rules } }

    /// In force from the next question on; to be kept as well, it must be saved.
    public func add(_ rule: AdmissionRule) { table.withLock { $0.add(rule) } }
    /// Out of force from the next question on; one that is not there is fine.
    public func remove(_ rule: AdmissionRule) { table.withLock { $0.remove(rule) } }

    /// Replaces all rules of one list at once.
    public func replace(list: String, with rules: [AdmissionRule]) {
        table.withLock { table in
            for rule in table.rules where rule.list == list { table.remove(rule) }
            for rule in rules { table.add(rule) }
        }
    }
}

/// The rules by what they name. A hash of 32 bytes is also found by its first 20: that is all a handshake shows.
struct AdmissionTable: Sendable {
    private var bySubject: [AdmissionRule.Subject: [AdmissionRule]] = [:]
    private var byShort: [Digest160: [AdmissionRule]] = [:]

    init(rules: [AdmissionRule]) {
        for rule in rules { add(rule) }
    }

    /// By list, then by kind and value.
    var rules: [AdmissionRule] {
        bySubject.values.joined().sorted {
            ($0.list, $0.subject.kind, $0.subject.value) < ($1.list, $1.subject.kind, $1.subject.value)
        }
    }

    mutating func add(_ rule: AdmissionRule) {
        remove(rule)
        bySubject[rule.subject, default: []].append(rule)
        if let short = Self.short(rule.subject) { byShort[short, default: []].append(rule) }
    }

    /// Removes what `rule`'s list says of its subject, whatever the reason given.
    mutating func remove(_ rule: AdmissionRule) {
        let isSame = { (other: AdmissionRule) in other.list == rule.list && other.subject == rule.subject }
        bySubject[rule.subject]?.removeAll(where: isSame)
        if bySubject[rule.subject]?.isEmpty == true { bySubject[rule.subject] = nil }
        guard let short = Self.short(rule.subject) else { return }
        byShort[short]?.removeAll(where: isSame)
        if byShort[short]?.isEmpty == true { byShort[short] = nil }
    }

    func denial(of subject: Admission.Subject) -> AdmissionRule? {
        let subjects: [AdmissionRule.Subject?] = [
            subject.site.map { .site($0) }, subject.v2.map { .v2($0) }, subject.v1.map { .v1($0) },
            subject.file.map { .file($0) }, subject.label.map { .label($0) },
        ]
        let found =
            subjects.compactMap { $0.flatMap { bySubject[$0] } }.joined()
            + (subject.short.flatMap { byShort[$0] } ?? [])
        return found.first { $0.list == AdmissionRule.localList } ?? found.first
    }

    private static func short(_ subject: AdmissionRule.Subject) -> Digest160? {
        switch subject {
        case .site(let hash), .v2(let hash): hash.truncated
        case .v1(let hash): hash
        case .file, .label: nil
        }
    }
}
