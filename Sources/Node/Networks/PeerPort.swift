// SPDX-License-Identifier: Apache-2.0
internal import NIOCore
internal import NIOPosix
internal import Transport
internal import Wire

/// The one port for peers, of the same number on TCP and UDP: others know only one.
enum PeerPort {
    /// Binds UDP; port 0 takes a free one.
    static func bind(_ endpoint: Endpoint, on eventLoop: any EventLoop) async throws(NodeError) -> UDPSocket {
        do {
            return try await UDPSocket.bind(to: endpoint, on: eventLoop)
        } catch {
            throw failure(endpoint, error)
        }
    }

    /// Binds UDP and, through `listen`, TCP on the same port. For port 0 a pair is looked for that is free on both.
    ///
    /// - Returns: the UDP socket, and what `listen` returned for its endpoint.
    static func bind<Listener>(
        _ endpoint: Endpoint,
        on eventLoop: any EventLoop,
        listen: (Endpoint) async throws -> Listener
    ) async throws(NodeError) -> (udp: UDPSocket, tcp: Listener) {
        // A port that is free for UDP is taken for TCP about once in a thousand times.
        var attempts = endpoint.port == 0 ? 16 : 1
        while true {
            attempts -= 1
            let socket = try await bind(endpoint, on: eventLoop)
            do {
                return (socket, try await listen(socket.localEndpoint))
            } catch {
                let taken = socket.localEndpoint
                await socket.close()
                if attempts == 0 { throw failure(taken, error) }
            }
        }
    }

    private static func failure(_ endpoint: Endpoint, _ error: any Error) -> NodeError {
        if let error = error as? NodeError { return error }
        let code: CInt? =
            switch error {
            case UDPSocketError.cannotBind(_, let code): code
            default: (error as? IOError)?.errnoCode
            }
        switch code {
        case EADDRINUSE?:
            return NodeError(
                .busy,
                "port \(endpoint.port) for peers is taken by \(PortHolder.words(port: Int(endpoint.port)))",
                remedy: "End that program, or choose another port with --listen HOST:PORT; port 0 takes a free one."
            )
        case EADDRNOTAVAIL?, EACCES?:
            return NodeError(
                .configuration,
                "the value of 'listen' is no address and port that this machine can use: \(endpoint)",
                remedy: "Give one of its addresses, or 0.0.0.0, and a port from 1024."
            )
        default: return NodeError(unexpected: error)
        }
    }
}
