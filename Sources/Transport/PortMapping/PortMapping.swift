// SPDX-License-Identifier: Apache-2.0
public import Wire

/// A port of the router's that leads to one of ours, or a hole in its firewall before one.
public struct PortMapping: Equatable, Sendable {
    /// By its number in IP (RFC 6887 §11.1 has it, too).
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

    /// IPv6: what is sent to our own address comes through.
    public struct Pinhole: Equatable, Sendable {
        /// Of this machine.
        public var address: IPAddress
        /// What a UPnP router calls it; PCP needs none.
        public var name: String?

        /// `name` is nil where PCP made the hole.
        public init(address: IPAddress, name: String? = nil) {
            self.address = address
            self.name = name
        }
    }

    /// Which of the two is mapped; each takes a mapping of its own.
    public var transport: Kind
    /// Ours.
    public var internalPort: UInt16
    /// The router's: what others dial.
    public var externalPort: UInt16
    /// Where the router is on its other side; nil where it did not say.
    public var externalAddress: IPAddress?
    /// How long it holds unless it is renewed; zero for ever.
    public var lifetime: Duration
    /// How the router was asked, and will be when the mapping is renewed.
    public var method: Method
    /// Nil where addresses are translated (IPv4).
    public var pinhole: Pinhole?

    /// As the router answered.
    public init(
        transport: Kind,
        internalPort: UInt16,
        externalPort: UInt16,
        externalAddress: IPAddress?,
        lifetime: Duration,
        method: Method,
        pinhole: Pinhole? = nil
    ) {
        self.transport = transport
        self.internalPort = internalPort
        self.externalPort = externalPort
        self.externalAddress = externalAddress
        self.lifetime = lifetime
        self.method = method
        self.pinhole = pinhole
    }
}
