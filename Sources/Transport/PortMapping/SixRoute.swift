// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import Wire

/// Where IPv6 leaves the local network: who is asked for pinholes (RFC 6887 §8.1).
struct SixRoute: Equatable {
    /// Mostly an address of the link alone.
    let gateway: IPAddress
    let interface: String

    /// 0 where the interface is no more.
    var index: UInt32 { unsafe if_nametoindex(interface) }

    /// As it is now; nil where there is none.
    static var current: SixRoute? {
        StateFile.read("/proc/net/ipv6_route").flatMap { SixRoute(routes: String(decoding: $0, as: UTF8.self)) }
    }

    init(gateway: IPAddress, interface: String) {
        self.gateway = gateway
        self.interface = interface
    }

    /// The default route with the lowest metric that has a gateway, by the text of `/proc/net/ipv6_route`.
    init?(routes: String) {
        var best: (metric: UInt32, route: SixRoute)?
        for line in routes.split(separator: "\n") {
            let fields = line.split(separator: " ")
            // Destination and its length, source and its length, next hop, metric, references, uses, flags, interface.
            guard fields.count == 10, fields[1] == "00", fields[3] == "00",
                let flags = UInt32(fields[8], radix: 16), flags & Self.usable == Self.usable, flags & Self.refuses == 0,
                let metric = UInt32(fields[5], radix: 16),
                let gateway = Hex.decode(String(fields[4])).flatMap({ IPAddress($0) })
            else { continue }
            if best.map({ metric < $0.metric }) ?? true {
                best = (metric, SixRoute(gateway: gateway, interface: String(fields[9])))
            }
        }
        guard let best else { return nil }
        self = best.route
    }

    // RTF_UP, RTF_GATEWAY; RTF_REJECT.
    private static let usable: UInt32 = 0x0003
    private static let refuses: UInt32 = 0x0200

    /// The public address of this machine that the rest of the Internet sees; nil where it has none.
    static var ownAddress: IPAddress? {
        // Any public address does: nothing is sent.
        let anywhere = IPAddress.v6(high: 0x2600_0000_0000_0000, low: 1).bytes
        var source = [UInt8](repeating: 0, count: 16)
        // SAFETY: arrays of 16 bytes that live for the call.
        guard unsafe roost_source_address(anywhere, anywhere.count, &source) == 0 else { return nil }
        return IPAddress(source).flatMap { $0.scope == .global ? $0 : nil }
    }
}
