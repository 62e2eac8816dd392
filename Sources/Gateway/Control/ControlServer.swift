// SPDX-License-Identifier: Apache-2.0
public import Logging
public import Node
public import ServiceLifecycle

/// The control API and the user interface, for this computer's programs and for the user's own browser.
public struct ControlServer: Service {
    /// Where it listens, once it does.
    public let port = ListeningPort()
    private let configuration: GatewayConfiguration
    private let node: any NodeControl
    private let token: String
    private let logger: Logger
    private let load: GatewayLoad

    /// - Parameters:
    ///   - configuration: where to listen.
    ///   - node: what is steered.
    ///   - token: what programs show, from `control.token`; an empty one admits no program.
    ///   - load: what `status` shows of the servers.
    ///   - logger: for what no caller hears of.
    public init(
        _ configuration: GatewayConfiguration,
        node: any NodeControl,
        token: String,
        load: GatewayLoad = GatewayLoad(),
        logger: Logger
    ) {
        self.load = load
        self.configuration = configuration
        self.node = node
        self.token = token
        self.logger = logger
    }

    /// Throws a ``NodeError``: `.busy` where another program has the port, naming it.
    public func run() async throws {
        let responder = ControlResponder(
            configuration: configuration,
            node: node,
            token: token,
            load: load,
            listening: port
        )
        let service = HTTPService(
            name: "control API",
            binding: configuration.control,
            drain: configuration.drain,
            responder: responder,
            port: port,
            connections: load.control,
            policy: ControlPolicy.apply,
            logger: logger
        )
        try await service.run()
    }
}
