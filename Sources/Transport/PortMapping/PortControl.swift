// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Messages of the Port Control Protocol (RFC 6887) and of its predecessor NAT-PMP (RFC 6886), which share a port: MAP requests
/// and their answers. Formats only; asking is up to ``GatewayClient``.
public enum PortControl {
    /// Where gateways listen.
    public static let port: UInt16 = 5351
    /// RFC 6886 §3.1: a quarter of a second, then twice as long each time; we stop when a gateway that is there had answered.
    public static let patience: [Duration] = [.milliseconds(250), .milliseconds(500), .seconds(1), .seconds(2)]
    /// RFC 6886 §3.3 recommends two hours; less leaves fewer mappings behind when a node dies.
    public static let lifetime = Duration.seconds(3600)
    /// Nothing of what we ask has a longer answer (RFC 6887 §7).
    public static let maximumAnswer = 1100

    /// What is asked for. `externalPort`: a wish. A lifetime of zero ends the mapping.
    public struct Request: Equatable, Sendable {
        /// Whose port.
        public var transport: PortMapping.Kind
        /// Ours, where the packets are to arrive.
        public var internalPort: UInt16
        /// The router's that is wished for; 0 for any.
        public var externalPort: UInt16
        /// In whole seconds; zero ends the mapping.
        public var lifetime: Duration
        /// Twelve random bytes, the same for as long as the mapping is to be ours (RFC 6887 §11.2).
        public var nonce: [UInt8]
        /// Our own address towards the gateway.
        public var client: IPAddress

        /// `nonce` has exactly twelve bytes.
        public init(
            transport: PortMapping.Kind,
            internalPort: UInt16,
            externalPort: UInt16,
            lifetime: Duration,
            nonce: [UInt8],
            client: IPAddress
        ) {
            self.transport = transport
            self.internalPort = internalPort
            self.externalPort = externalPort
            self.lifetime = lifetime
            self.nonce = nonce
            self.client = client
        }

        private var seconds: UInt32 { UInt32(clamping: lifetime.components.seconds) }

        /// RFC 6887 §7.1, §11.1: 60 bytes.
        public var pcp: [UInt8] {
            var bytes: [UInt8] = [2, 1, 0, 0]
            bytes.append(bigEndian: seconds)
            bytes += PortControl.mapped(client)
            bytes += nonce
            bytes += [transport.rawValue, 0, 0, 0]
            bytes.append(bigEndian: internalPort)
            bytes.append(bigEndian: externalPort)
            // §11.1: no wish is the zero address of the client's family.
            return bytes + PortControl.mapped(client.isV4 ? .v4(0) : .v6(high: 0, low: 0))
        }

        /// RFC 6886 §3.3: 12 bytes.
        public var natPMP: [UInt8] {
            var bytes: [UInt8] = [0, transport == .udp ? 1 : 2, 0, 0]
            bytes.append(bigEndian: internalPort)
            bytes.append(bigEndian: externalPort)
            bytes.append(bigEndian: seconds)
            return bytes
        }
    }

    /// What a gateway says to a request.
    public enum Answer: Equatable, Sendable {
        case mapped(PortMapping)
        /// The gateway speaks only NAT-PMP (RFC 6887 §9, RFC 6886 §3.5).
        case onlyNATPMP
        /// With the result code of its protocol.
        case refused(UInt16)
    }

    /// RFC 6886 §3.2: asks for the address on the other side.
    public static let addressRequest: [UInt8] = [0, 0]

    /// RFC 6886 §3.2: the router's address on its other side; nil for anything else, refusals too.
    public static func parseAddress(_ bytes: ArraySlice<UInt8>) -> IPAddress? {
        var reader = ByteReader(bytes)
        guard reader.read(UInt16.self) == 0x0080, reader.read(UInt16.self) == 0, reader.read(UInt32.self) != nil else {
            return nil
        }
        return reader.read(UInt32.self).map { .v4($0) }
    }

    /// What `bytes` answer to `request`; nil where they answer something else.
    public static func parse(_ bytes: ArraySlice<UInt8>, to request: Request) -> Answer? {
        switch bytes.first {
        case 2: parsePCP(bytes, request)
        case 0: parseNATPMP(bytes, request)
        default: nil
        }
    }

    private static func parsePCP(_ bytes: ArraySlice<UInt8>, _ request: Request) -> Answer? {
        var reader = ByteReader(bytes)
        guard reader.read(UInt16.self) == 0x0281, let result = reader.read(UInt16.self),
            let lifetime = reader.read(UInt32.self), reader.read(count: 16) != nil
        else { return nil }
        // §8.3: what is too short for its opcode is no answer, but an error may stand alone.
        guard let nonce = reader.read(count: 12), let number = reader.read(count: 4)?.first,
            let internalPort = reader.read(UInt16.self), let externalPort = reader.read(UInt16.self),
            let address = reader.read(count: 16)
        else { return result & 255 == 0 ? nil : .refused(result & 255) }
        guard nonce.elementsEqual(request.nonce), number == request.transport.rawValue,
            internalPort == request.internalPort
        else { return nil }
        guard result & 255 == 0 else { return .refused(result & 255) }
        return .mapped(
            PortMapping(
                transport: request.transport,
                internalPort: internalPort,
                externalPort: externalPort,
                externalAddress: unmapped(address),
                lifetime: .seconds(Int64(lifetime)),
                method: .pcp,
                pinhole: request.client.isV4 ? nil : .init(address: request.client)
            )
        )
    }

    private static func parseNATPMP(_ bytes: ArraySlice<UInt8>, _ request: Request) -> Answer? {
        var reader = ByteReader(bytes)
        guard let head = reader.read(UInt16.self), let result = reader.read(UInt16.self),
            reader.read(UInt32.self) != nil
        else { return nil }
        // Result 1: "unsupported version", what a NAT-PMP gateway says to PCP.
        if result == 1 { return .onlyNATPMP }
        guard head == (request.transport == .udp ? 0x0081 : 0x0082) else { return nil }
        guard result == 0 else { return .refused(result) }
        guard let internalPort = reader.read(UInt16.self), internalPort == request.internalPort,
            let externalPort = reader.read(UInt16.self), let lifetime = reader.read(UInt32.self)
        else { return nil }
        return .mapped(
            PortMapping(
                transport: request.transport,
                internalPort: internalPort,
                externalPort: externalPort,
                externalAddress: nil,
                lifetime: .seconds(Int64(lifetime)),
                method: .natPMP
            )
        )
    }

    /// RFC 6887 §5: IPv4 addresses are written into IPv6 ones.
    private static func mapped(_ address: IPAddress) -> [UInt8] {
        address.isV4 ? [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF] + address.bytes : address.bytes
    }

    private static func unmapped(_ bytes: ArraySlice<UInt8>) -> IPAddress? {
        let isV4 = bytes.prefix(10).allSatisfy { $0 == 0 } && bytes.dropFirst(10).prefix(2).elementsEqual([0xFF, 0xFF])
        return IPAddress(isV4 ? bytes.suffix(4) : bytes)
    }
}
