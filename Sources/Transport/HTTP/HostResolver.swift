// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import NIOCore
internal import NIOPosix
public import Wire

/// Finds the addresses of a name.
public protocol HostResolver: Sendable {
    /// All of them, the best first; empty where there is none. May be slow, never blocks the loop.
    func addresses(of host: String, on loop: any EventLoop) -> EventLoopFuture<[IPAddress]>
}

/// The system's own resolver, on two threads that nothing else waits for: a name server that does not answer holds one for
/// many seconds.
public struct SystemResolver: HostResolver {
    private static let threads: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: 2)
        pool.start()
        return pool
    }()
    /// Addresses of one name that are looked at.
    private static let maximumAddresses = 16

    /// One serves as well as many: the threads are shared.
    public init() {}

    /// At most 16, in the system's order; none where there is no such name. Only the answer comes on `loop`.
    public func addresses(of host: String, on loop: any EventLoop) -> EventLoopFuture<[IPAddress]> {
        if let address = IPAddress(host) { return loop.makeSucceededFuture([address]) }
        return Self.threads.runIfActive(eventLoop: loop) { Self.lookUp(host) }
    }

    /// Blocks, for many seconds where no name server answers.
    static func lookUp(_ host: String) -> [IPAddress] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_family = AF_UNSPEC
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        // SAFETY: the host is a C string during the call; the list is freed below and not used after that.
        guard unsafe getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { unsafe freeaddrinfo(list) }
        var found: [IPAddress] = []
        var next = unsafe list
        while let entry = unsafe next, found.count < maximumAddresses {
            if let address = unsafe Self.address(entry.pointee), !found.contains(address) { found.append(address) }
            unsafe next = entry.pointee.ai_next
        }
        return found
    }

    private static func address(_ entry: addrinfo) -> IPAddress? {
        guard let raw = unsafe entry.ai_addr else { return nil }
        // The layouts of ip(7) and ipv6(7): the address stands at byte 4, or after port and flow label at byte 8.
        let (offset, count) = unsafe entry.ai_family == AF_INET ? (4, 4) : (8, 16)
        guard unsafe entry.ai_family == AF_INET || entry.ai_family == AF_INET6,
            unsafe Int(entry.ai_addrlen) >= offset + count
        else { return nil }
        // SAFETY: the structure has the length that the resolver states, which was compared above.
        let bytes = unsafe UnsafeRawBufferPointer(start: raw, count: offset + count)
        return unsafe IPAddress(Array(bytes[offset...]))
    }
}
