// SPDX-License-Identifier: Apache-2.0
internal import Hummingbird
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import Node
internal import ServiceLifecycle

/// One HTTP/1.1 server as a service: binds, reports its port, and ends in bounded time.
struct HTTPService<Responder: HTTPResponder>: Sendable where Responder.Context == ConnectionContext {
    let name: String
    let binding: GatewayConfiguration.Binding
    let drain: Duration
    let responder: Responder
    let port: ListeningPort
    let connections: ConnectionCount
    /// The header fields of every response.
    let policy: @Sendable (inout HTTPFields) -> Void
    let logger: Logger

    /// Ends when the service group stops gracefully: at once where nothing is under way, else within ``drain``.
    func run() async throws {
        let application = makeApplication()
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { group.cancelAll() }
                group.addTask { try await application.run() }
                group.addTask {
                    // Waiting is over when the group stops or when this task is cancelled; both end the server.
                    try? await gracefulShutdown()
                    try? await Task.sleep(for: drain)
                }
                try await group.next()
            }
        } catch {
            let reason = reason(for: error)
            port.settle(.failure(reason))
            throw reason
        }
        port.settle(.failure(NodeError(.unavailable, "the \(name) stopped", remedy: "Start the node again.")))
    }

    private func makeApplication() -> Application<Responder> {
        // Bounded heads: a page may carry many cookies, not megabytes.
        let decoder = HTTP1Channel.Configuration.DecoderConfiguration(
            maxHeaderFieldSize: 16 * 1024,
            maxHeaderListSize: 64 * 1024,
            maxHeaderFieldCount: 100
        )
        let port = port
        let (policy, connections) = (policy, connections)
        let http = HTTP1Channel.Configuration(
            additionalChannelHandlers: [
                PolicyHandler(apply: policy), ClientWatch(connections), LastRequest.Placement(),
            ],
            idleTimeout: .seconds(120),
            httpDecoderConfiguration: decoder
        )
        return Application(
            responder: responder,
            server: HTTPServerBuilder { respond in
                AcceptedHTTP(http: HTTP1Channel(responder: respond, configuration: http))
            },
            configuration: ApplicationConfiguration(
                address: .hostname(binding.host, port: binding.port),
                availableConnectionsDelegate: .maximum(GatewayLoad.mostConnections, logger: logger)
            ),
            onServerRunning: { channel in port.settle(.success(channel.localAddress?.port ?? 0)) },
            logger: logger
        )
    }

    private func reason(for error: any Error) -> NodeError {
        if let known = error as? NodeError { return known }
        guard let failure = error as? IOError else {
            return NodeError(.internal, "the \(name) ended: \(error)", remedy: "Report it with the log.")
        }
        let address = "\(binding.host):\(binding.port)"
        guard failure.errnoCode == 98 else {
            return NodeError(
                .inputOutput,
                "the \(name) cannot listen on \(address): \(failure)",
                remedy: "Choose an address of this machine."
            )
        }
        return NodeError(
            .busy,
            "\(address), the address of the \(name), is taken by \(PortHolder.words(port: binding.port))",
            remedy: "Stop that program, or give the node another address; links and what sites stored change with it."
        )
    }
}
