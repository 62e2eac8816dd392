// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Who has which address, and which ways home routers keep open.
///
/// Memory: for each host behind a router at most ``maximumWays`` entries of 40 bytes.
struct Network {
    /// A router forgets a way after this long without a packet from inside (RFC 4787 §4.3: at least two minutes).
    static let wayLifetime = Duration.seconds(120).inNanoseconds
    static let maximumWays = 4096

    private struct Way {
        var port: UInt16
        var used: Int64
    }

    private struct Router {
        /// By who was written to.
        var ways: [UInt64: Way] = [:]
        /// Symmetric: who is behind an outside port.
        var peers: [UInt16: UInt64] = [:]
        var nextPort: UInt16 = 1024
        /// When something last left.
        var used = Int64.min / 2
    }

    private var owners: [UInt32: Int] = [:]
    private var routers: [Int: Router] = [:]
    var random: RandomStream

    init(seed: UInt64) {
        random = RandomStream(seed: seed, "network")
    }

    // MARK: - Addresses

    mutating func own(_ address: IPAddress, by host: Int) {
        routers[host] = nil
        if case .v4(let value) = address { owners[value] = host }
    }

    mutating func disown(_ address: IPAddress, by host: Int) {
        if case .v4(let value) = address, owners[value] == host { owners[value] = nil }
    }

    func owner(of address: IPAddress) -> Int? {
        guard case .v4(let value) = address else { return nil }
        return owners[value]
    }

    // MARK: - Routers

    private static func key(_ endpoint: Endpoint) -> UInt64 {
        guard case .v4(let value) = endpoint.address else { return 0 }
        return UInt64(value) << 16 | UInt64(endpoint.port)
    }

    /// The port that a datagram of `host` to `destination` leaves its router by.
    mutating func outsidePort(of host: Host, to destination: Endpoint, now: VirtualTime) -> UInt16 {
        guard host.translation != .none else { return host.endpoint.port }
        let key = Self.key(destination)
        var router = routers[host.index] ?? Router()
        router.used = now.nanoseconds
        defer { routers[host.index] = router }
        if var way = router.ways[key], now.nanoseconds - way.used < Self.wayLifetime {
            way.used = now.nanoseconds
            router.ways[key] = way
            return way.port
        }
        if router.ways.count >= Self.maximumWays { forgetOld(&router, now) }
        var port = host.endpoint.port
        if host.translation == .symmetric {
            while router.peers[router.nextPort] != nil { router.nextPort = router.nextPort &+ 1 | 1024 }
            port = router.nextPort
            router.peers[port] = key
            router.nextPort = router.nextPort &+ 1 | 1024
        }
        router.ways[key] = Way(port: port, used: now.nanoseconds)
        return port
    }

    private func forgetOld(_ router: inout Router, _ now: VirtualTime) {
        router.ways = router.ways.filter { now.nanoseconds - $0.value.used < Self.wayLifetime }
        let ways = router.ways
        router.peers = router.peers.filter { ways[$0.value]?.port == $0.key }
        if router.ways.count >= Self.maximumWays { router = Router() }
    }

    /// Whether a router lets a datagram from `source` to its outside `port` through to `host`.
    func admits(_ source: Endpoint, to host: Host, port: UInt16, now: VirtualTime) -> Bool {
        switch host.translation {
        case .none: return port == host.endpoint.port
        case .open:
            let used = routers[host.index]?.used ?? .min / 2
            return port == host.endpoint.port && now.nanoseconds - used < Self.wayLifetime
        case .cone:
            guard port == host.endpoint.port else { return false }
        case .symmetric:
            guard routers[host.index]?.peers[port] == Self.key(source) else { return false }
        }
        guard let way = routers[host.index]?.ways[Self.key(source)] else { return false }
        return now.nanoseconds - way.used < Self.wayLifetime
    }
}
