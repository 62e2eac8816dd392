// SPDX-License-Identifier: Apache-2.0

/// `roost device list`.
public struct DeviceSummary: Equatable, Sendable, Codable {
    /// The key that the identity admits, in hex. It is another one for every identity.
    public var key: String
    /// What its owner calls it.
    public var name: String
    /// Whether it is the device that answers. False also where its keys could not be opened.
    public var isThis: Bool

    private enum CodingKeys: String, CodingKey {
        case key
        case name
        case isThis = "this"
    }

    /// Takes each value as it is.
    public init(key: String, name: String, isThis: Bool) {
        self.key = key
        self.name = name
        self.isThis = isThis
    }
}
