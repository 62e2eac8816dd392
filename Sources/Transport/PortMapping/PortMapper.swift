// SPDX-License-Identifier: Apache-2.0
public import Logging
internal import NIOPosix
internal import Synchronization
public import Wire

/// Asks the router of this network to let peers through to our port, TCP and UDP: by PCP or NAT-PMP, and by UPnP where the
/// gateway speaks neither. For IPv4 the router forwards a port of its own, for IPv6 it opens its firewall before our public
/// address. Renews that at half of its time, and takes it back at the end.
///
/// One thread of its own, since everything about it waits. Where there is no router, or it refuses, it tries again after
/// ``retryInterval``; nothing depends on it.
public final class PortMapper: Sendable {
    static let retryInterval = Duration.seconds(900)
    /// Renewals are never closer, whatever a router grants.
    static let shortestRenewal = Duration.seconds(60)
    static let longestRenewal = Duration.seconds(1800)

    private struct State {
        var mappings: [PortMapping] = []
        var hasTried = false
        var isEnding = false
    }

    private let port: UInt16
    private let six: IPAddress?
    private let nonce: [UInt8]
    private let logger: Logger
    private let threads = NIOThreadPool(numberOfThreads: 1)
    private let state = Mutex(State())

    /// `port`: where peers reach us on this machine; the same is wished for outside.
    /// `six`: where IPv6 is listened in, `::` for all our addresses; nil where it is not.
    public init(port: UInt16, six: IPAddress? = nil, logger: Logger) {
        self.port = port
        self.six = six
        self.logger = logger
        nonce = (0..<12).map { _ in UInt8.random(in: .min ... .max) }
    }

    /// What the router does for us now.
    public var mappings: [PortMapping] { state.withLock { $0.mappings } }
    /// Whether a router has been asked, with whatever result.
    public var hasTried: Bool { state.withLock { $0.hasTried } }

    /// Works until cancelled; then the mappings are taken back, which takes at most some three seconds.
    public func run() async {
        threads.start()
        await withTaskCancellationHandler {
            while !Task.isCancelled {
                let before = mappings
                let mappings = await onThread { self.renew(before) }
                state.withLock {
                    $0.mappings = mappings
                    $0.hasTried = true
                }
                if mappings != before { log(mappings) }
                try? await Task.sleep(for: Self.pause(mappings))
            }
        } onCancel: {
            state.withLock { $0.isEnding = true }
        }
        let last = mappings
        state.withLock { $0.mappings = [] }
        if !last.isEmpty { await onThread { self.release(last) } }
        try? await threads.shutdownGracefully()
    }

    /// Also for a task that was cancelled: what was begun at the router has to be ended there.
    private func onThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            threads.submit { _ in continuation.resume(returning: body()) }
        }
    }

    private func log(_ mappings: [PortMapping]) {
        if mappings.isEmpty { logger.debug("no router maps the port") }
        for mapping in mappings {
            logger.info(
                mapping.pinhole == nil ? "the router forwards the port" : "the router lets the port through",
                metadata: ["port": "\(mapping.externalPort)", "method": "\(mapping.method.rawValue)"]
            )
        }
    }

    static func pause(_ mappings: [PortMapping]) -> Duration {
        guard !mappings.isEmpty else { return retryInterval }
        let shortest = mappings.map(\.lifetime).filter { $0 > .zero }.min() ?? longestRenewal * 2
        return min(longestRenewal, max(shortestRenewal, shortest / 2))
    }

    // MARK: On the thread

    private func renew(_ before: [PortMapping]) -> [PortMapping] {
        renewForwarding(before.filter { $0.pinhole == nil }) + renewPinholes(before.filter { $0.pinhole != nil })
    }

    private func renewForwarding(_ before: [PortMapping]) -> [PortMapping] {
        func wish(_ transport: PortMapping.Kind) -> UInt16 {
            before.first { $0.transport == transport }?.externalPort ?? port
        }
        let lifetime = PortControl.lifetime
        if before.first?.method != .upnp, let client = gateway() {
            let mappings = asked(client, wish)
            if !mappings.isEmpty { return mappings }
        }
        // Without a way out there is no router to ask, and miniupnpc would say so on the standard error itself.
        guard !isEnding, Self.router != nil, let client = UPnPClient() else { return [] }
        return PortMapping.Kind.allCases.compactMap {
            client.map($0, port: port, external: wish($0), lifetime: lifetime)
        }
    }

    /// Only for an address that all the Internet can send to. Holes before an address that is ours no more end with their time.
    private func renewPinholes(_ before: [PortMapping]) -> [PortMapping] {
        guard let six, let route = SixRoute.current, let address = ownAddress(six) else { return [] }
        if before.first?.method != .upnp, let client = gateway(route, address) {
            let mappings = asked(client) { _ in port }
            if !mappings.isEmpty { return mappings }
        }
        guard !isEnding, let client = PinholeClient(interface: route.interface) else { return [] }
        return PortMapping.Kind.allCases.compactMap { transport in
            let last = before.first { $0.transport == transport }?.pinhole
            return client.open(transport, port: port, of: address, before: last, lifetime: PortControl.lifetime)
        }
    }

    private func ownAddress(_ listened: IPAddress) -> IPAddress? {
        listened.isUnspecified ? SixRoute.ownAddress : listened.scope == .global ? listened : nil
    }

    /// What the gateway grants, up to the first that it refuses; the client is closed.
    private func asked(_ client: GatewayClient, _ wish: (PortMapping.Kind) -> UInt16) -> [PortMapping] {
        var client = client
        defer { client.close() }
        var mappings: [PortMapping] = []
        for transport in PortMapping.Kind.allCases {
            guard
                let mapping = client.map(
                    transport,
                    port: port,
                    external: wish(transport),
                    lifetime: PortControl.lifetime
                )
            else { break }
            mappings.append(mapping)
        }
        return mappings
    }

    private func release(_ mappings: [PortMapping]) {
        releaseForwarding(mappings.filter { $0.pinhole == nil })
        releasePinholes(mappings.filter { $0.pinhole != nil })
    }

    private func releaseForwarding(_ mappings: [PortMapping]) {
        guard let first = mappings.first else { return }
        guard first.method == .upnp else { return takenBack(mappings, by: gateway(patience: Self.hasty)) }
        guard Self.router != nil, let client = UPnPClient() else { return }
        for mapping in mappings { client.unmap(mapping) }
    }

    private func releasePinholes(_ mappings: [PortMapping]) {
        guard let first = mappings.first, let pinhole = first.pinhole, let route = SixRoute.current else { return }
        guard first.method == .upnp else {
            return takenBack(mappings, by: gateway(route, pinhole.address, patience: Self.hasty))
        }
        guard let client = PinholeClient(interface: route.interface) else { return }
        for pinhole in mappings.compactMap(\.pinhole) { client.close(pinhole) }
    }

    private func takenBack(_ mappings: [PortMapping], by client: GatewayClient?) {
        guard var client else { return }
        defer { client.close() }
        for mapping in mappings {
            _ = client.map(mapping.transport, port: port, external: 0, lifetime: .zero)
        }
    }

    // MARK: Gateways

    /// At the end.
    private static let hasty = Array(PortControl.patience.prefix(2))

    private var isEnding: Bool { state.withLock { $0.isEnding } }

    /// The gateway of the default route as it is now; nil without one.
    private static var router: IPAddress? {
        StateFile.read("/proc/net/route").flatMap {
            GatewayClient.defaultGateway(routes: String(decoding: $0, as: UTF8.self))
        }
    }

    private func gateway(patience: [Duration] = PortControl.patience) -> GatewayClient? {
        guard let address = Self.router else { return nil }
        return GatewayClient(gateway: address, nonce: nonce, patience: patience, isEnding: gaveUp(patience))
    }

    private func gateway(
        _ route: SixRoute,
        _ address: IPAddress,
        patience: [Duration] = PortControl.patience
    ) -> GatewayClient? {
        GatewayClient(
            gateway: route.gateway,
            interface: route.gateway.scope == .linkLocal ? route.index : 0,
            source: address,
            nonce: nonce,
            patience: patience,
            isEnding: gaveUp(patience)
        )
    }

    /// The end stops every question but those of the end.
    private func gaveUp(_ patience: [Duration]) -> () -> Bool {
        { self.isEnding && patience.count == PortControl.patience.count }
    }
}
