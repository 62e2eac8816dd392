// SPDX-License-Identifier: Apache-2.0
public import NIOCore
public import Wire

extension Endpoint {
    /// Nil for a Unix socket. An IPv4 address mapped into IPv6 reads as what it is.
    public init?(_ socketAddress: SocketAddress) {
        // The layout of sockaddr_in and sockaddr_in6 (ip(7), ipv6(7)): family, port, then the address at byte 4, or
        // after the flow label at byte 8.
        // SAFETY: NIO passes the whole structure with its true length, and it is read before the closure returns.
        let raw = unsafe socketAddress.withSockAddr { pointer, count in
            unsafe Array(UnsafeRawBufferPointer(start: pointer, count: count))
        }
        let port = raw.count >= 4 ? UInt16(raw[2]) << 8 | UInt16(raw[3]) : 0
        switch socketAddress {
        case .v4 where raw.count >= 8:
            guard let address = IPAddress(raw[4..<8]) else { return nil }
            self.init(address, port: port)
        case .v6 where raw.count >= 24:
            let bytes = raw[8..<24]
            let isMapped = bytes.prefix(10).allSatisfy { $0 == 0 } && bytes.dropFirst(10).prefix(2) == [0xFF, 0xFF]
            guard let address = IPAddress(isMapped ? bytes.suffix(4) : bytes) else { return nil }
            self.init(address, port: port)
        default: return nil
        }
    }

    /// The same for NIO.
    public func socketAddress() throws -> SocketAddress {
        try SocketAddress(packedIPAddress: ByteBuffer(bytes: address.bytes), port: Int(port))
    }
}
