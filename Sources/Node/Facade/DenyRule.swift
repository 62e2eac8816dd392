// SPDX-License-Identifier: Apache-2.0

/// What this node will not store, serve or show.
public struct DenyRule: Hashable, Sendable, Codable {
    /// `local` for rules of this user, else the name of a list.
    public var list: String
    /// `site`, `v1`, `v2` or `file`.
    public var subject: String
    /// The hash in hex.
    public var value: String
    /// In the words of whoever made the rule.
    public var reason: String

    /// Takes each value as it is.
    public init(list: String, subject: String, value: String, reason: String) {
        self.list = list
        self.subject = subject
        self.value = value
        self.reason = reason
    }
}
