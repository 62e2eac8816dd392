// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Keys
internal import Storage
internal import Wire

extension Node {
    /// Local rules first, then those of lists.
    public func denyRules() async throws(NodeError) -> [DenyRule] {
        context.admission.rules.map(DenyRule.init)
    }

    /// The rule holds at once and after a restart. What it names is no longer served; deleting it is `site remove`.
    public func deny(_ rule: DenyRule) async throws(NodeError) {
        let admissionRule = try rule.admissionRule()
        let metadata = context.metadata
        try await context.blocking.run { try metadata.write { try $0.save(admissionRule, addedAt: WallClock.seconds) } }
        context.admission.add(admissionRule)
    }

    /// Takes a local rule back. Throws `.noInput` where there is none.
    public func allow(_ rule: DenyRule) async throws(NodeError) {
        let admissionRule = try rule.admissionRule()
        let isThere = context.admission.rules.contains {
            $0.list == admissionRule.list && $0.subject == admissionRule.subject
        }
        guard isThere else {
            throw NodeError(
                .noInput,
                "the list '\(rule.list)' has no such rule",
                remedy: "See what there is with `roost deny list`."
            )
        }
        let metadata = context.metadata
        try await context.blocking.run { try metadata.write { try $0.removeDenyRule(admissionRule) } }
        context.admission.remove(admissionRule)
    }

    /// The rule that forbids what `address` names; nil where none does.
    public func denial(of address: String) async throws(NodeError) -> DenyRule? {
        context.admission.denial(of: try SiteLink(parsing: address).address.subject).map(DenyRule.init)
    }
}

extension SiteAddress {
    /// What admission rules may say of it.
    var subject: Admission.Subject {
        switch self {
        case .site(let site): Admission.Subject(site: site)
        case .key(let key, _): Admission.Subject(site: key.identifier)
        case .tree(let v1, let v2): Admission.Subject(v1: v1, v2: v2)
        }
    }
}

extension DenyRule {
    init(_ rule: AdmissionRule) {
        self.init(list: rule.list, subject: rule.subject.kind, value: rule.subject.value, reason: rule.reason)
    }

    /// A rule from what a person gives: an address, or `site:`, `v1:`, `v2:`, `file:` or `label:` and its value.
    public init(_ text: String, list: String, reason: String) throws(NodeError) {
        if let colon = text.firstIndex(of: ":"),
            let subject = AdmissionRule.Subject(kind: text[..<colon], value: text[text.index(after: colon)...])
        {
            self.init(AdmissionRule(list: list, subject: subject, reason: reason))
            return
        }
        let subject: AdmissionRule.Subject =
            switch try SiteLink(parsing: text).address {
            case .site(let site): .site(site)
            case .key(let key, _): .site(key.identifier)
            case .tree(_, let v2?): .v2(v2)
            case .tree(let v1, _): .v1(v1 ?? .zero)
            }
        self.init(AdmissionRule(list: list, subject: subject, reason: reason))
    }

    func admissionRule() throws(NodeError) -> AdmissionRule {
        guard !list.isEmpty, list.utf8.count <= 64, let subject = AdmissionRule.Subject(kind: subject, value: value)
        else {
            throw NodeError(
                .badData,
                "'\(subject) \(value)' is no rule",
                remedy: "Name a site, v1, v2 or file by its hash in hex, or a label."
            )
        }
        return AdmissionRule(list: list, subject: subject, reason: reason)
    }
}
