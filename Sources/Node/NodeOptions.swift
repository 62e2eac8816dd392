// SPDX-License-Identifier: Apache-2.0
public import Logging
public import Storage

/// What it takes to open a node.
public struct NodeOptions: Sendable {
    /// The folder that is this node.
    public var home: Home
    /// The effective configuration, checked.
    public var configuration: NodeConfiguration
    /// Where each value of ``configuration`` came from.
    public var entries: [ConfigurationEntry]
    /// Of the program, such as `0.1.0`.
    public var version: String
    /// Where the node reports.
    public var logger: Logger
    /// Asked in order when keys are protected by a passphrase.
    public var passphrases: [PassphraseSource]
    /// End 15 minutes after the last page where nothing is published or pinned.
    public var endsUnused: Bool

    /// Takes each value as it is.
    public init(
        home: Home,
        configuration: NodeConfiguration,
        entries: [ConfigurationEntry] = [],
        version: String,
        logger: Logger,
        passphrases: [PassphraseSource] = [],
        endsUnused: Bool = false
    ) {
        self.home = home
        self.configuration = configuration
        self.entries = entries
        self.version = version
        self.logger = logger
        self.passphrases = passphrases
        self.endsUnused = endsUnused
    }
}
