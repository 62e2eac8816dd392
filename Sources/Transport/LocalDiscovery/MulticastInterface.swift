// SPDX-License-Identifier: Apache-2.0
internal import NIOCore
internal import NIOPosix
internal import Wire

/// One address of one network interface over which a multicast group is reached.
struct MulticastInterface: Equatable {
    let device: NIONetworkDevice
    let address: IPAddress

    /// Those that can multicast and over which peers reach `listen`: of its family, all but loopback where it is unspecified,
    /// and otherwise the one that has its address. An IPv6 address of the link alone is none: nobody can dial
    /// what it announces.
    static func serving(_ listen: Endpoint) -> [MulticastInterface] {
        let devices = (try? System.enumerateDevices()) ?? []
        return devices.compactMap { device -> MulticastInterface? in
            guard let address = device.address.flatMap({ Endpoint($0)?.address }), address.isV4 == listen.address.isV4,
                address.isV4 || address.scope != .linkLocal
            else { return nil }
            let isUnspecified = listen.address.isUnspecified
            guard device.multicastSupported, isUnspecified ? !address.isLoopback : address == listen.address else {
                return nil
            }
            return MulticastInterface(device: device, address: address)
        }
    }

    /// A socket for sending to the group over this interface, from this address.
    func sender(on loop: any EventLoop) -> EventLoopFuture<any Channel> {
        guard var local = device.address else { return loop.makeFailedFuture(ChannelError.operationUnsupported) }
        local.port = 0
        let options: [(ChannelOptions.Types.SocketOption, Int)]
        switch address {
        case .v4(let number):
            // The option takes the four bytes of the address in network order.
            options = [
                (.init(level: .ip, name: .ip_multicast_if), Int(Int32(bitPattern: number.bigEndian))),
                (.init(level: .ip, name: .ip_multicast_ttl), LocalDiscoveryService.hops),
            ]
        case .v6:
            options = [
                (.init(level: .ipv6, name: .ipv6_multicast_if), device.interfaceIndex),
                (.init(level: .ipv6, name: .ipv6_multicast_hops), LocalDiscoveryService.hops),
            ]
        }
        return options.reduce(DatagramBootstrap(group: loop)) { $0.channelOption($1.0, value: $1.1) }.bind(to: local)
    }
}
