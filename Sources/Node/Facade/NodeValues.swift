// SPDX-License-Identifier: Apache-2.0

/// How far a long call is. Sent at most ten times a second.
public struct NodeProgress: Equatable, Sendable, Codable {
    /// `hashing`, `storing`, `announcing`, `finding peers`, `fetching`, `writing`, `checking`, `finding keepers`,
    /// `pushing`; of `why` the name of the stage.
    public var stage: String
    /// Of ``total`` in ``unit``.
    public var done: Int64
    /// Nil while not yet known.
    public var total: Int64?
    /// `bytes`, `files`, `peers` or `stages`.
    public var unit: String
    /// Of `why`: the stage that has just ended; nil while one begins.
    public var passed: WhyReport.Stage?

    /// Takes each value as it is.
    public init(
        stage: String,
        done: Int64,
        total: Int64?,
        unit: String = "bytes",
        passed: WhyReport.Stage? = nil
    ) {
        self.passed = passed
        self.stage = stage
        self.done = done
        self.total = total
        self.unit = unit
    }
}

/// A key and its effective value.
public struct ConfigurationEntry: Equatable, Sendable, Codable {
    /// As in `config.toml`.
    public var key: String
    /// As text; a secret is a placeholder.
    public var value: String
    /// `default`, `file`, `environment` or `flag`.
    public var source: String

    /// Takes each value as it is.
    public init(key: String, value: String, source: String) {
        self.key = key
        self.value = value
        self.source = source
    }
}
