// SPDX-License-Identifier: Apache-2.0
internal import NIOCore
internal import NIOPosix
internal import Transport
internal import Wire

/// The one port for peers, of the same number on TCP and UDP, over IPv4 and IPv6: others know only one.
struct PeerPort<Listener> {
    /// One of each family that is listened in.
    let udp: [UDPSocket]
    /// What `listen` returned for their endpoints.
    let tcp: Listener
    /// Why there is no IPv6 beside IPv4; nil where there is, or where it was not wanted.
    let absence: String?

    /// Binds UDP and, through `listen`, TCP on the same port. For port 0 one is looked for that is free for all of them.
    ///
    /// `beside`: where IPv6 is listened in as well; with ``IPv6Listening/auto`` the node goes on without where that fails.
    /// `listen`: takes all the endpoints it is given, or none.
    static func bind(
        _ endpoint: Endpoint,
        beside: IPv6Listening = .off,
        on eventLoop: any EventLoop,
        listen: ([Endpoint]) async throws -> Listener
    ) async throws(NodeError) -> PeerPort {
        var addresses = [endpoint.address]
        switch beside {
        case .off: break
        case .auto: addresses.append(.v6(high: 0, low: 0))
        case .at(let address): addresses.append(address)
        }
        // A port that is free for UDP is taken for TCP about once in a thousand times.
        var attempts = endpoint.port == 0 ? 16 : 1
        var absence: String?
        while true {
            attempts -= 1
            do {
                let (udp, tcp) = try await take(addresses, endpoint.port, on: eventLoop, listen: listen)
                return PeerPort(udp: udp, tcp: tcp, absence: absence)
            } catch {
                let isLast = attempts == 0 || error.isWithoutFamily
                guard isLast, beside == .auto, addresses.count > 1 else {
                    if isLast { throw error.asNodeError }
                    continue
                }
                absence = error.words
                addresses.removeLast()
                attempts = endpoint.port == 0 ? 16 : 1
            }
        }
    }

    /// All of them, or none.
    private static func take(
        _ addresses: [IPAddress],
        _ port: UInt16,
        on eventLoop: any EventLoop,
        listen: ([Endpoint]) async throws -> Listener
    ) async throws(PeerPortFailure) -> (udp: [UDPSocket], tcp: Listener) {
        var sockets: [UDPSocket] = []
        var wanted = Endpoint(addresses[0], port: port)
        do {
            for address in addresses {
                wanted = Endpoint(address, port: sockets.first?.localEndpoint.port ?? port)
                sockets.append(try await UDPSocket.bind(to: wanted, on: eventLoop))
            }
            return (sockets, try await listen(sockets.map { $0.localEndpoint }))
        } catch {
            let taken = sockets.first?.localEndpoint.port ?? port
            for socket in sockets { await socket.close() }
            throw PeerPortFailure(endpoint: Endpoint(wanted.address, port: taken), error: error)
        }
    }
}

extension PeerPort where Listener == Void {
    /// Binds UDP alone.
    static func bind(_ endpoint: Endpoint, on eventLoop: any EventLoop) async throws(NodeError) -> UDPSocket {
        try await bind(endpoint, on: eventLoop) { _ in }.udp[0]
    }
}

/// Why a port could not be had.
struct PeerPortFailure: Error {
    let endpoint: Endpoint
    let error: any Error

    private var code: CInt? {
        switch error {
        case UDPSocketError.cannotBind(_, let code): code
        default: (error as? IOError)?.errnoCode
        }
    }

    /// The machine has nothing of that family, or not that address.
    var isWithoutFamily: Bool { code == EAFNOSUPPORT || code == EADDRNOTAVAIL || code == EPROTONOSUPPORT }

    /// For `status`.
    var words: String {
        if isWithoutFamily { return "this machine has none" }
        if code == EADDRINUSE {
            return "port \(endpoint.port) is taken by \(PortHolder.words(port: Int(endpoint.port)))"
        }
        return "port \(endpoint.port) cannot be had: \(error)"
    }

    var asNodeError: NodeError {
        if let error = error as? NodeError { return error }
        switch code {
        case EADDRINUSE?:
            return NodeError(
                .busy,
                "port \(endpoint.port) for peers is taken by \(PortHolder.words(port: Int(endpoint.port)))",
                remedy: "End that program, or choose another port with --listen HOST:PORT; port 0 takes a free one."
            )
        case EADDRNOTAVAIL?, EACCES?, EAFNOSUPPORT?:
            let name = endpoint.address.isV4 ? "listen" : "listen' or 'listen6"
            return NodeError(
                .configuration,
                "the value of '\(name)' is no address and port that this machine can use: \(endpoint)",
                remedy: "Give one of its addresses, or 0.0.0.0, and a port from 1024."
            )
        default: return NodeError(unexpected: error)
        }
    }
}
