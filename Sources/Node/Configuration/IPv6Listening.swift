// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Where a node listens in IPv6 beside IPv4 (`listen6`).
public enum IPv6Listening: Equatable, Sendable {
    /// At all addresses, where `listen` is `0.0.0.0`; without IPv6 where the machine has none.
    case auto
    case off
    /// There, or it is an error.
    case at(IPAddress)
}

extension IPv6Listening: LosslessStringConvertible {
    /// As the configuration has it.
    public var description: String {
        switch self {
        case .auto: "auto"
        case .off: "off"
        case .at(let address): "\(address)"
        }
    }

    /// `auto`, `off` or an address of this machine; nil for anything else.
    public init?(_ description: String) {
        switch description {
        case "auto": self = .auto
        case "off": self = .off
        default:
            guard let address = IPAddress(description), !address.isV4,
                address.isUnspecified || address.isUnicast
            else { return nil }
            self = .at(address)
        }
    }
}
