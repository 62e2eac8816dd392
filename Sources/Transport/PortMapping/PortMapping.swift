// SPDX-License-Identifier: Apache-2.0
public import Wire

/// A port of the router's that leads to one of ours.
public struct PortMapping: Equatable, Sendable {
    public enum Kind: UInt8, Sendable, CaseIterable {
        // The protocol numbers of IP, as PCP has them.
        case tcp = 6
        case udp = 17
    }

    /// How the router was asked.
    public enum Method: String, Sendable {
        case pcp = "PCP"
        case natPMP = "NAT-PMP"
        case upnp = "UPnP"
    }

    public var transport: Kind
    public var internalPort: UInt16
    public var externalPort: UInt16
    /// Where the router is on its other side; nil where it did not say.
    public var externalAddress: IPAddress?
    /// How long it holds unless it is renewed; zero for ever.
    public var lifetime: Duration
    public var method: Method

    public init(
        transport: Kind,
        internalPort: UInt16,
        externalPort: UInt16,
        externalAddress: IPAddress?,
        lifetime: Duration,
        method: Method
    ) {
        self.transport = transport
        self.internalPort = internalPort
        self.externalPort = externalPort
        self.externalAddress = externalAddress
        self.lifetime = lifetime
        self.method = method
    }
}
