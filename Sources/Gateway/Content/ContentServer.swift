// SPDX-License-Identifier: Apache-2.0
public import Logging
public import Node
public import ServiceLifecycle

/// Serves sites to browsers, one origin per site.
///
/// A graceful shutdown lets answers under way finish for ``GatewayConfiguration/drain``, then ends them.
public struct ContentServer: Service {
    /// Where it listens, once it does.
    public let port = ListeningPort()
    private let configuration: GatewayConfiguration
    private let reader: any ReleaseReading
    private let logger: Logger
    private let load: GatewayLoad

    /// Listens only once it runs; `reader` is asked for everything that is shown.
    public init(
        _ configuration: GatewayConfiguration,
        reader: any ReleaseReading,
        load: GatewayLoad = GatewayLoad(),
        logger: Logger
    ) {
        self.load = load
        self.configuration = configuration
        self.reader = reader
        self.logger = logger
    }

    /// Throws a ``NodeError``: `.busy` where another program has the port, naming it.
    public func run() async throws {
        let service = HTTPService(
            name: "gateway",
            binding: configuration.content,
            drain: configuration.drain,
            responder: ContentResponder(configuration: configuration, reader: reader, port: port),
            port: port,
            connections: load.content,
            policy: ContentPolicy.apply,
            logger: logger
        )
        try await service.run()
    }
}
