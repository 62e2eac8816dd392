// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Gateway
internal import Logging
internal import Node
internal import ServiceLifecycle
internal import Storage
internal import Wire

/// A node in this process with its gateway and control API: one home, from opening it to closing it.
final class RunningNode: Sendable {
    let node: Node
    private let content: ContentServer
    private let control: ControlServer
    private let services: ServiceGroup
    private let home: Home

    /// Opens the home and binds the sockets for peers; nothing runs yet.
    init(_ options: NodeOptions) async throws {
        node = try await Node.open(options)
        home = options.home
        var gateway = GatewayConfiguration()
        gateway.content = Self.binding(options.configuration.gateway)
        gateway.control = Self.binding(options.configuration.control)
        let load = GatewayLoad()
        content = ContentServer(gateway, reader: node, load: load, logger: options.logger)
        control = ControlServer(
            gateway,
            node: node,
            token: try ControlToken.make(in: options.home),
            load: load,
            logger: options.logger
        )
        var configuration = ServiceGroupConfiguration(
            services: [
                // The node ends first where it was asked to, and takes the servers with it.
                .init(service: node, successTerminationBehavior: .gracefullyShutdownGroup),
                .init(service: content), .init(service: control),
            ],
            logger: options.logger
        )
        configuration.maximumGracefulShutdownDuration = .seconds(5)
        services = ServiceGroup(configuration: configuration)
    }

    private static func binding(_ endpoint: Endpoint) -> GatewayConfiguration.Binding {
        GatewayConfiguration.Binding(host: endpoint.address.description, port: Int(endpoint.port))
    }

    /// Runs until the node is stopped.
    func run() async throws {
        try await services.run()
    }

    func stop() async {
        await services.triggerGracefulShutdown()
    }

    /// Waits until both servers listen, and writes down where. Throws what keeps one from it.
    func ready() async throws -> NodeAddress {
        let loopback = IPAddress.v4(0x7F00_0001)
        let address = NodeAddress(
            gateway: Endpoint(loopback, port: UInt16(try await content.port.value())),
            control: Endpoint(loopback, port: UInt16(try await control.port.value()))
        )
        node.servers(at: address)
        do throws(StorageError) { try address.write(to: home) } catch { throw NodeError(error) }
        return address
    }
}
