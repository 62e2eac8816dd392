// SPDX-License-Identifier: Apache-2.0
public import Logging
internal import NIOPosix
internal import Synchronization
internal import Wire

/// Asks the router of this network to let peers through to our port, TCP and UDP: by PCP or NAT-PMP, and by UPnP where the
/// gateway speaks neither. Renews that at half of its time, and takes it back at the end.
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
    private let nonce: [UInt8]
    private let logger: Logger
    private let threads = NIOThreadPool(numberOfThreads: 1)
    private let state = Mutex(State())

    /// `port`: where peers reach us on this machine; the same is wished for outside.
    public init(port: UInt16, logger: Logger) {
        self.port = port
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
        guard let first = mappings.first else { return logger.debug("no router maps the port") }
        logger.info(
            "the router forwards the port",
            metadata: ["port": "\(first.externalPort)", "method": "\(first.method.rawValue)"]
        )
    }

    static func pause(_ mappings: [PortMapping]) -> Duration {
        guard !mappings.isEmpty else { return retryInterval }
        let shortest = mappings.map(\.lifetime).filter { $0 > .zero }.min() ?? longestRenewal * 2
        return min(longestRenewal, max(shortestRenewal, shortest / 2))
    }

    // MARK: On the thread

    private func renew(_ before: [PortMapping]) -> [PortMapping] {
        func wish(_ transport: PortMapping.Kind) -> UInt16 {
            before.first { $0.transport == transport }?.externalPort ?? port
        }
        let lifetime = PortControl.lifetime
        if before.first?.method != .upnp, var client = gateway() {
            defer { client.close() }
            var mappings: [PortMapping] = []
            for transport in PortMapping.Kind.allCases {
                guard let mapping = client.map(transport, port: port, external: wish(transport), lifetime: lifetime)
                else {
                    break
                }
                mappings.append(mapping)
            }
            if !mappings.isEmpty { return mappings }
        }
        // Without a way out there is no router to ask, and miniupnpc would say so on the standard error itself.
        guard !state.withLock({ $0.isEnding }), Self.router != nil, let client = UPnPClient() else { return [] }
        return PortMapping.Kind.allCases.compactMap {
            client.map($0, port: port, external: wish($0), lifetime: lifetime)
        }
    }

    private func release(_ mappings: [PortMapping]) {
        guard mappings.first?.method == .upnp else {
            guard var client = gateway(patience: Array(PortControl.patience.prefix(2))) else { return }
            defer { client.close() }
            for mapping in mappings {
                _ = client.map(mapping.transport, port: port, external: 0, lifetime: .zero)
            }
            return
        }
        guard Self.router != nil, let client = UPnPClient() else { return }
        for mapping in mappings { client.unmap(mapping) }
    }

    /// The gateway of the default route as it is now; nil without one.
    private static var router: IPAddress? {
        StateFile.read("/proc/net/route").flatMap {
            GatewayClient.defaultGateway(routes: String(decoding: $0, as: UTF8.self))
        }
    }

    private func gateway(patience: [Duration] = PortControl.patience) -> GatewayClient? {
        guard let address = Self.router else { return nil }
        return GatewayClient(gateway: address, nonce: nonce, patience: patience) {
            self.state.withLock { $0.isEnding } && patience.count == PortControl.patience.count
        }
    }
}
