// SPDX-License-Identifier: Apache-2.0
public import Wire

/// One thing that this node will not store, serve or show, and who says so.
public struct AdmissionRule: Hashable, Sendable {
    /// What the rule is about. A thing is denied as soon as one of its names is.
    public enum Subject: Hashable, Sendable {
        /// A site by its id.
        case site(Digest256)
        /// A torrent by its v1 infohash.
        case v1(Digest160)
        /// A torrent by its v2 infohash.
        case v2(Digest256)
        /// A file by its BEP 52 root, wherever it turns up.
        case file(Digest256)
        /// Releases of this label, of any site.
        case label(String)
    }

    /// The list of this user's own rules.
    public static let localList = "local"

    /// Who says so: ``localList``, or a list's name.
    public var list: String
    /// What is not to be had here.
    public var subject: Subject
    /// For people; may be empty.
    public var reason: String

    /// The user's own rule, unless a list is named.
    public init(list: String = AdmissionRule.localList, subject: Subject, reason: String = "") {
        self.list = list
        self.subject = subject
        self.reason = reason
    }
}

extension AdmissionRule.Subject {
    /// `site`, `v1`, `v2`, `file` or `label`.
    public var kind: String {
        switch self {
        case .site: "site"
        case .v1: "v1"
        case .v2: "v2"
        case .file: "file"
        case .label: "label"
        }
    }

    /// The hash in hex, or the label.
    public var value: String {
        switch self {
        case .site(let hash), .v2(let hash), .file(let hash): hash.hex
        case .v1(let hash): hash.hex
        case .label(let label): label
        }
    }

    /// Nil unless `kind` is one of those that ``kind`` gives and `value` fits it.
    public init?(kind: some StringProtocol, value: some StringProtocol) {
        switch kind {
        case "site", "v2", "file":
            guard let hash = Digest256(hex: value) else { return nil }
            self = kind == "site" ? .site(hash) : kind == "v2" ? .v2(hash) : .file(hash)
        case "v1":
            guard let hash = Digest160(hex: value) else { return nil }
            self = .v1(hash)
        case "label":
            guard !value.isEmpty, value.utf8.count <= 256 else { return nil }
            self = .label(String(value))
        default: return nil
        }
    }
}
