// SPDX-License-Identifier: Apache-2.0
public import ArgumentParser
public import BitTorrent
internal import Node
internal import Swarm
internal import Transport
internal import Wire

extension EncryptionPolicy: ExpressibleByArgument {}

/// Where a stand-alone torrent listens, and where it looks for peers.
struct PeerOptions: ParsableArguments {
    enum UTP: String, ExpressibleByArgument, CaseIterable { case off, on, only }

    @Option(
        help: ArgumentHelp(
            "Where to listen; port 0 takes any. Once for IPv4 and once for IPv6, of one port: both.",
            valueName: "host:port"
        )
    )
    var listen: [String] = ["0.0.0.0:0"]
    @Option(help: "uTP beside TCP (on), TCP alone (off), or uTP alone (only).") var utp = UTP.on
    @Option(help: "Obfuscated connections: offer, require or off.") var encryption = EncryptionPolicy.offer
    @Flag(name: .customLong("lsd"), help: "Find peers in the local network (BEP 14).") var usesLocalDiscovery = false
    @Option(help: ArgumentHelp("Join a DHT at this node; may be repeated.", valueName: "host:port")) var bootstrap:
        [String] = []
    @Option(help: "mainline: find peers in the public DHT; none: only where --bootstrap says.") var network = "none"

    @Option(
        help: ArgumentHelp(
            "Peers tell each other of peers; by default where --network is mainline.",
            valueName: "on|off"
        )
    )
    var pex: Switch?
    @Option(help: ArgumentHelp("The most to receive a second, such as 500KiB.", valueName: "bytes")) var rateDown:
        String?
    @Option(help: ArgumentHelp("The most to send a second.", valueName: "bytes")) var rateUp: String?

    enum Switch: String, ExpressibleByArgument, CaseIterable { case on, off }

    /// Where nobody but those that were named is to hear of us, peers are not exchanged.
    var exchangesPeers: Bool { pex.map { $0 == .on } ?? (network == "mainline") }

    func rates() throws -> TransferRates {
        TransferRates(download: try Self.rate(rateDown), upload: try Self.rate(rateUp))
    }

    private static func rate(_ text: String?) throws -> Int? {
        guard let text else { return nil }
        guard let rate = ByteCount(text), rate.bytes >= Int64(RateLimit.least), rate.bytes <= 1 << 40 else {
            throw NodeError(
                .usage,
                "\(text) is no rate",
                remedy: "Write bytes a second from 1KiB, such as 500KiB or 2MB."
            )
        }
        return Int(rate.bytes)
    }

    /// At most one of each family.
    func listenEndpoints() throws -> [Endpoint] {
        guard network == "none" || network == "mainline" else {
            throw NodeError(.usage, "\(network) is no network for this command", remedy: "Use mainline or none.")
        }
        let endpoints = try listen.map { try Self.endpoint($0) }
        guard Set(endpoints.map { $0.address.isV4 }).count == endpoints.count,
            endpoints.allSatisfy({ $0.port == endpoints[0].port })
        else {
            throw NodeError(
                .usage,
                "peers reach us at one address of each family, and at one port",
                remedy: "Give --listen once for IPv4 and once for IPv6, both with the same port."
            )
        }
        return endpoints
    }

    /// What connections are made over.
    var transports: Set<PeerTransport> {
        switch utp {
        case .off: [.tcp]
        case .on: [.tcp, .utp]
        case .only: [.utp]
        }
    }

    var usesDHT: Bool { !bootstrap.isEmpty || network == "mainline" }

    static func endpoint(_ text: String) throws -> Endpoint {
        guard let endpoint = Endpoint(text) else {
            throw NodeError(
                .usage,
                "\(text) is no address and port",
                remedy: "Write it as 127.0.0.1:6881 or [::1]:6881."
            )
        }
        return endpoint
    }
}
