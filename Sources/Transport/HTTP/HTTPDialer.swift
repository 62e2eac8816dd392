// SPDX-License-Identifier: Apache-2.0
public import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import Synchronization
public import Wire

/// Opens connections to HTTP servers: resolves, judges, connects to what was judged.
///
/// The name is resolved once for a connection, and the address that the policy admits is the one dialled: a name server that
/// answers differently a second time (DNS rebinding) gains nothing. Certificates are verified against the system's
/// authorities and the host's name.
public final class HTTPDialer: Sendable {
    /// Addresses of one name that are tried.
    private static let maximumAttempts = 4

    /// Where the connections live.
    public let loop: any EventLoop
    /// As it was begun with.
    public let configuration: HTTPConfiguration
    private let resolver: any HostResolver
    private let context = Mutex<NIOSSLContext?>(nil)

    /// `resolver`: who is asked for the addresses of a name.
    public init(
        loop: any EventLoop,
        configuration: HTTPConfiguration = HTTPConfiguration(),
        resolver: any HostResolver = SystemResolver()
    ) {
        self.loop = loop
        self.configuration = configuration
        self.resolver = resolver
    }

    /// Finds the addresses at which `url` may be reached.
    ///
    /// - Throws: (in the future) ``HTTPError/unresolvable`` or ``HTTPError/forbidden``.
    public func endpoints(of url: ServiceURL, policy: AddressPolicy) -> EventLoopFuture<[Endpoint]> {
        resolver.addresses(of: url.host, on: loop).flatMapThrowing { addresses in
            guard !addresses.isEmpty else { throw HTTPError.unresolvable }
            let admitted = addresses.map { Endpoint($0, port: url.port) }.filter { policy.admits($0) }
            guard !admitted.isEmpty else { throw HTTPError.forbidden }
            // Many addresses of one family leave room for one of the other.
            let first = admitted.prefix(Self.maximumAttempts)
            let other = admitted.dropFirst(Self.maximumAttempts).first { $0.address.isV4 != admitted[0].address.isV4 }
            guard let other, first.allSatisfy({ $0.address.isV4 == admitted[0].address.isV4 }) else {
                return Array(first)
            }
            return first.dropLast() + [other]
        }
    }

    /// Connects. On the loop; `completion` is called on it, never before this returns.
    ///
    /// `isV4`: over which family alone, where the server has an address in it.
    public func connect(
        to url: ServiceURL,
        policy: AddressPolicy,
        isV4: Bool? = nil,
        completion: @escaping (Result<HTTPConnection, HTTPError>) -> Void
    ) {
        endpoints(of: url, policy: policy).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let endpoints):
                let wanted = endpoints.filter { isV4 == nil || $0.address.isV4 == isV4 }
                self.connect(to: (wanted.isEmpty ? endpoints : wanted)[...], url, .unreachable, completion)
            case .failure(let error): completion(.failure(error as? HTTPError ?? .unresolvable))
            }
        }
    }

    /// One address after the other.
    private func connect(
        to endpoints: ArraySlice<Endpoint>,
        _ url: ServiceURL,
        _ lastError: HTTPError,
        _ completion: @escaping (Result<HTTPConnection, HTTPError>) -> Void
    ) {
        guard let endpoint = endpoints.first, let address = try? endpoint.socketAddress() else {
            return completion(.failure(lastError))
        }
        let connection = HTTPConnection(remote: endpoint, origin: url, configuration: configuration)
        let bound = NIOLoopBound(connection, eventLoop: loop)
        let connected = ClientBootstrap(group: loop)
            .connectTimeout(configuration.connectTimeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if url.scheme == .https { try channel.pipeline.syncOperations.addHandler(self.encryption(url)) }
                    try channel.pipeline.syncOperations.addHTTPClientHandlers(leftOverBytesStrategy: .dropBytes)
                    try channel.pipeline.syncOperations.addHandler(bound.value)
                }
            }
            .connect(to: address)
        connected.assumeIsolated().whenComplete { result in
            switch result {
            case .success: completion(.success(connection))
            case .failure(let error):
                self.connect(to: endpoints.dropFirst(), url, Self.error(for: error, default: .unreachable), completion)
            }
        }
    }

    private func encryption(_ url: ServiceURL) throws -> NIOSSLClientHandler {
        let context = try sharedContext()
        // A certificate for an address is compared with the address that is connected to.
        return try NIOSSLClientHandler(context: context, serverHostname: url.address == nil ? url.host : nil)
    }

    /// Made at the first use: reading the system's authorities takes some milliseconds.
    private func sharedContext() throws -> NIOSSLContext {
        try context.withLock { context in
            if let context { return context }
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.minimumTLSVersion = .tlsv12
            tls.applicationProtocols = ["http/1.1"]
            if let pem = configuration.additionalTrustRoots {
                tls.additionalTrustRoots = [.certificates(try NIOSSLCertificate.fromPEMBytes(pem))]
            }
            let made = try NIOSSLContext(configuration: tls)
            context = made
            return made
        }
    }

    static func error(for error: any Error, default fallback: HTTPError) -> HTTPError {
        switch error {
        case let error as HTTPError: error
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError: .untrusted
        case ChannelError.connectTimeout: .timeout
        default: fallback
        }
    }
}
