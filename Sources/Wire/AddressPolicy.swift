// SPDX-License-Identifier: Apache-2.0

/// Where a connection may go to, by who asked for it.
///
/// Trackers, web seeds and the peers that others name are written by strangers. Followed blindly, they would have this
/// machine knock at its own services and at those of its network (server-side request forgery). So what a stranger names
/// must be an address of the public Internet; what somebody in the local network names may be in that network; and only what
/// somebody on this machine names may be this machine. The user may name anything that can be connected to.
///
/// A policy judges addresses, never names: a name is resolved first, and the address that was judged is the one connected to.
public struct AddressPolicy: Hashable, Sendable {
    private enum Reach: Hashable, Comparable { case global, network, machine, anything }

    private let reach: Reach

    private init(_ reach: Reach) { self.reach = reach }

    /// Named by the user.
    public static let user = AddressPolicy(.anything)
    /// Named by a stranger.
    public static let stranger = AddressPolicy(.global)

    /// Named by whoever is at `source`.
    public static func named(by source: IPAddress) -> AddressPolicy {
        switch source.scope {
        case .loopback: AddressPolicy(.machine)
        case .privateUse, .shared, .linkLocal: AddressPolicy(.network)
        case .global, .notUnicast, .reserved: .stranger
        }
    }

    /// IPv4 dressed up as IPv6 is nobody's address: whoever has it is reached in four bytes.
    public func admits(_ address: IPAddress) -> Bool {
        guard reach == .anything || !address.isMapped else { return false }
        return switch address.scope {
        case .global: true
        case .privateUse, .shared, .linkLocal: reach >= .network
        case .loopback: reach >= .machine
        case .reserved: reach == .anything
        case .notUnicast: false
        }
    }

    /// Judges address and port.
    ///
    /// Strangers may not name ports on which something else is known to listen: below 1024 all but 80 and 443, above it those
    /// that browsers block as well (the Fetch standard, "port blocking").
    public func admits(_ endpoint: Endpoint) -> Bool {
        guard admits(endpoint.address), endpoint.port != 0 else { return false }
        return reach == .anything || Self.admits(port: endpoint.port)
    }

    private static func admits(port: UInt16) -> Bool {
        port < 1024 ? port == 80 || port == 443 : !otherServices.contains(port)
    }

    private static let otherServices: Set<UInt16> = [
        1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697,
        10080,
    ]
}
