// SPDX-License-Identifier: Apache-2.0
internal import CMiniupnpc
internal import Wire

/// Asks a UPnP Internet Gateway Device of version 2 for holes in its IPv6 firewall (WANIPv6FirewallControl:1), through
/// miniupnpc. Every call blocks, for some seconds: for a thread of its own.
struct PinholeClient {
    private static let searchMilliseconds: Int32 = 2000
    /// The service's own bounds, in seconds (§2.2.7, LeaseTime).
    private static let leases: ClosedRange<Int64> = 1...86_400

    private let control: String
    private let service: String

    /// Searches the network of `interface` over IPv6, for a router lets its control points speak only for the address that they
    /// ask from; nil where no firewall is found that may be asked.
    init?(interface: String) {
        guard UPnPClient.isSafe else { return nil }
        var error: Int32 = 0
        // SAFETY: null pointers mean the defaults; the list is freed below, after its last use.
        guard let devices = unsafe upnpDiscover(Self.searchMilliseconds, interface, nil, 0, 1, 2, &error) else {
            return nil
        }
        defer { unsafe freeUPNPDevlist(devices) }
        var urls = unsafe UPNPUrls()
        var data = IGDdatas()
        var address = [CChar](repeating: 0, count: 64)
        // SAFETY: structures and buffer of ours with their true sizes; what they own is freed by FreeUPNPUrls.
        let found = unsafe UPNP_GetValidIGD(devices, &urls, &data, &address, Int32(address.count))
        defer { if found != 0 { unsafe FreeUPNPUrls(&urls) } }
        // 2: a gateway whose IPv4 is not connected; its IPv6 may well be.
        guard found == 1 || found == 2 else { return nil }
        unsafe self.init(urls, data)
    }

    /// A gateway by what its description has; nil where it says that its firewall may not be asked.
    // SAFETY: the library's texts end with a zero byte.
    init?(_ urls: UPNPUrls, _ data: IGDdatas) {
        guard let url = unsafe urls.controlURL_6FC else { return nil }
        control = unsafe String(cString: url)
        service = unsafe withUnsafeBytes(of: data.IPv6FC.servicetype) { unsafe UPnPClient.text($0) }
        var (isEnabled, isAllowed): (Int32, Int32) = (0, 0)
        // SAFETY: C strings that live for the call, and integers of ours.
        guard !service.isEmpty, unsafe UPNP_GetFirewallStatus(control, service, &isEnabled, &isAllowed) == 0,
            isEnabled != 0, isAllowed != 0
        else { return nil }
    }

    /// Opens or, where `before` is of the same address, renews. Nil where the router refuses.
    func open(
        _ transport: PortMapping.Kind,
        port: UInt16,
        of address: IPAddress,
        before: PortMapping.Pinhole?,
        lifetime: Duration
    ) -> PortMapping? {
        let seconds = min(max(lifetime.components.seconds, Self.leases.lowerBound), Self.leases.upperBound)
        guard let name = renewed(before, address, seconds) ?? opened(transport, port, address, seconds) else {
            return nil
        }
        return PortMapping(
            transport: transport,
            internalPort: port,
            externalPort: port,
            externalAddress: address,
            lifetime: .seconds(seconds),
            method: .upnp,
            pinhole: .init(address: address, name: name)
        )
    }

    private func renewed(_ before: PortMapping.Pinhole?, _ address: IPAddress, _ seconds: Int64) -> String? {
        guard let before, before.address == address, let name = before.name else { return nil }
        // SAFETY: C strings that live for the call.
        return unsafe UPNP_UpdatePinhole(control, service, name, String(seconds)) == 0 ? name : nil
    }

    private func opened(
        _ transport: PortMapping.Kind,
        _ port: UInt16,
        _ address: IPAddress,
        _ seconds: Int64
    ) -> String? {
        var name = [CChar](repeating: 0, count: 64)
        // SAFETY: C strings that live for the call; the library writes at most 8 bytes of the name. Any host and any port may
        // send.
        let result = unsafe UPNP_AddPinhole(
            control,
            service,
            "",
            "0",
            address.description,
            String(port),
            String(transport.rawValue),
            String(seconds),
            &name
        )
        return result == 0 ? unsafe name.withUnsafeBytes { unsafe UPnPClient.text($0) } : nil
    }

    func close(_ pinhole: PortMapping.Pinhole) {
        guard let name = pinhole.name else { return }
        // SAFETY: as above.
        _ = unsafe UPNP_DeletePinhole(control, service, name)
    }
}
