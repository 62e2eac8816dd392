// SPDX-License-Identifier: Apache-2.0

/// `roost id list`.
public struct IdentitySummary: Equatable, Sendable, Codable {
    /// What it is called in this home.
    public var name: String
    /// SHA-256 of its first key, in hex: the identity's name for ever.
    public var id: String
    /// Its present root key in hex.
    public var key: String
    /// `file mode only` or `passphrase`; `key missing` where its key file is lost.
    public var protection: String
    /// How many may act for it.
    public var devices: Int

    /// Takes each value as it is.
    public init(name: String, id: String, key: String, protection: String, devices: Int) {
        self.name = name
        self.id = id
        self.key = key
        self.protection = protection
        self.devices = devices
    }
}

/// `roost id new`: shown once.
public struct NewIdentity: Equatable, Sendable, Codable {
    /// What was made.
    public var identity: IdentitySummary
    /// The text that takes the identity back after a theft; it is stored nowhere.
    public var recoveryKit: String

    /// Takes each value as it is.
    public init(identity: IdentitySummary, recoveryKit: String) {
        self.identity = identity
        self.recoveryKit = recoveryKit
    }
}
