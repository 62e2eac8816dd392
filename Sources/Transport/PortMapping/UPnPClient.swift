// SPDX-License-Identifier: Apache-2.0
internal import CMiniupnpc
internal import Glibc
internal import Wire

/// Asks a UPnP Internet Gateway Device, through miniupnpc. Every call blocks, for some seconds: for a thread of its own.
struct UPnPClient {
    /// How long devices may take to answer the search.
    private static let searchMilliseconds: Int32 = 2000
    private static let description = "Roost"
    /// UPnP error 725: only mappings without end.
    private static let onlyPermanent: Int32 = 725

    private let control: String
    private let service: String
    private let client: String

    /// Searches the local network; nil where no connected gateway is found.
    init?() {
        guard Self.isSafe else { return nil }
        var error: Int32 = 0
        // SAFETY: null pointers mean the defaults; the list is freed below, after its last use.
        guard let devices = unsafe upnpDiscover(Self.searchMilliseconds, nil, nil, 0, 0, 2, &error) else { return nil }
        defer { unsafe freeUPNPDevlist(devices) }
        var urls = unsafe UPNPUrls()
        var data = IGDdatas()
        var address = [CChar](repeating: 0, count: 64)
        // SAFETY: structures and buffer of ours with their true sizes; what they own is freed by FreeUPNPUrls.
        let found = unsafe UPNP_GetValidIGD(devices, &urls, &data, &address, Int32(address.count))
        defer { if found != 0 { unsafe FreeUPNPUrls(&urls) } }
        guard found == 1 else { return nil }
        unsafe self.init(urls, data, client: address.withUnsafeBytes { unsafe Self.text($0) })
    }

    /// A gateway by what its description has, asked in the name of the address `client`.
    // SAFETY: the library's texts end with a zero byte.
    init?(_ urls: UPNPUrls, _ data: IGDdatas, client: String) {
        guard let url = unsafe urls.controlURL else { return nil }
        control = unsafe String(cString: url)
        service = unsafe withUnsafeBytes(of: data.first.servicetype) { unsafe Self.text($0) }
        self.client = client
    }

    // MARK: Descriptors

    /// miniupnpc 2.2 waits with select(2) for a connection that is slow to come, and glibc ends a process that does so with a
    /// descriptor from 1,024 on: any device of the network could bring that about where a process may have so many. The library
    /// does not come near it then.
    static var isSafe: Bool {
        var limit = rlimit()
        // SAFETY: the structure lives for the call.
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return false }
        let next = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard next >= 0 else { return false }
        close(next)
        return isSafe(next: next, limit: UInt64(limit.rlim_cur))
    }

    /// `next`: the lowest descriptor that is free; others are opened while the library works.
    static func isSafe(next: Int32, limit: UInt64) -> Bool { limit <= UInt64(FD_SETSIZE) || next < FD_SETSIZE / 4 * 3 }

    // SAFETY: reads up to the first zero byte within the buffer.
    static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// Nil where the gateway refuses.
    func map(_ transport: PortMapping.Kind, port: UInt16, external: UInt16, lifetime: Duration) -> PortMapping? {
        var seconds = lifetime.components.seconds
        var result = add(transport, port, external, seconds)
        if result == Self.onlyPermanent {
            seconds = 0
            result = add(transport, port, external, seconds)
        }
        guard result == 0 else { return nil }
        return PortMapping(
            transport: transport,
            internalPort: port,
            externalPort: external,
            externalAddress: externalAddress,
            lifetime: .seconds(seconds),
            method: .upnp
        )
    }

    private func add(_ transport: PortMapping.Kind, _ port: UInt16, _ external: UInt16, _ seconds: Int64) -> Int32 {
        // SAFETY: C strings that live for the call; a null remote host means any.
        unsafe UPNP_AddPortMapping(
            control,
            service,
            String(external),
            String(port),
            client,
            Self.description,
            Self.name(transport),
            nil,
            String(seconds)
        )
    }

    func unmap(_ mapping: PortMapping) {
        // SAFETY: as above.
        _ = unsafe UPNP_DeletePortMapping(
            control,
            service,
            String(mapping.externalPort),
            Self.name(mapping.transport),
            nil
        )
    }

    private var externalAddress: IPAddress? {
        var address = [CChar](repeating: 0, count: 64)
        // SAFETY: the library writes at most 16 bytes.
        guard unsafe UPNP_GetExternalIPAddress(control, service, &address) == 0 else { return nil }
        return IPAddress(unsafe address.withUnsafeBytes { unsafe Self.text($0) })
    }

    private static func name(_ transport: PortMapping.Kind) -> String { transport == .tcp ? "TCP" : "UDP" }
}
