// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import NIOCore
public import Wire

extension Endpoint {
    /// Nil for a Unix socket. An IPv4 address mapped into IPv6 reads as what it is.
    public init?(_ socketAddress: SocketAddress) {
        // The layout of sockaddr_in and sockaddr_in6 (ip(7), ipv6(7)): family, port, then the address at byte 4, or
        // after the flow label at byte 8.
        // SAFETY: NIO passes the whole structure with its true length; nothing is read beyond that, nor kept.
        let endpoint: Endpoint? = unsafe socketAddress.withSockAddr { pointer, count in
            unsafe Self.read(UnsafeRawBufferPointer(start: pointer, count: count))
        }
        guard let endpoint else { return nil }
        self = endpoint
    }

    private static func read(_ raw: UnsafeRawBufferPointer) -> Endpoint? {
        guard raw.count >= 8 else { return nil }
        func word<Word: FixedWidthInteger>(_: Word.Type, at offset: Int) -> Word {
            unsafe Word(bigEndian: raw.loadUnaligned(fromByteOffset: offset, as: Word.self))
        }
        let port = word(UInt16.self, at: 2)
        switch Int32(unsafe raw.loadUnaligned(as: sa_family_t.self)) {
        case AF_INET: return Endpoint(.v4(word(UInt32.self, at: 4)), port: port)
        case AF_INET6 where raw.count >= 24:
            let (high, low) = (word(UInt64.self, at: 8), word(UInt64.self, at: 16))
            // An IPv4 address mapped into IPv6 (RFC 4291 §2.5.5.2).
            if high == 0, low >> 32 == 0xFFFF { return Endpoint(.v4(UInt32(truncatingIfNeeded: low)), port: port) }
            return Endpoint(.v6(high: high, low: low), port: port)
        default: return nil
        }
    }

    /// The same for NIO.
    public func socketAddress() throws -> SocketAddress {
        try SocketAddress(packedIPAddress: ByteBuffer(bytes: address.bytes), port: Int(port))
    }
}
