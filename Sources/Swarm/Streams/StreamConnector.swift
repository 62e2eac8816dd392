// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import NIOCore
internal import Transport
internal import Wire

/// Makes streams to peers. Confined to the swarm's event loop.
final class StreamConnector {
    static let patience = TimeAmount.seconds(10)
    /// uTP is tried when TCP was refused, or has not been answered for so long.
    static let headStart = TimeAmount.seconds(2)

    private let loop: any EventLoop
    private let sockets: TCPSockets
    private let shared: NIOLoopBoundBox<Obfuscation>
    private var obfuscation: Obfuscation { shared.value }
    private let transports: Set<PeerTransport>
    /// Peers that took a TCP connection and ended it without a byte: the next one begins with uTP. At most
    /// ``Obfuscation/capacity``.
    private var muteOverTCP: Set<Endpoint> = []
    let prepared: PreparedStreams
    /// Once there is a UDP port for it.
    var utp: UTPTransport?

    init(
        loop: any EventLoop,
        sockets: TCPSockets,
        obfuscation: NIOLoopBoundBox<Obfuscation>,
        transports: Set<PeerTransport>
    ) {
        self.transports = transports
        self.loop = loop
        self.sockets = sockets
        shared = obfuscation
        prepared = PreparedStreams(loop: loop)
    }

    /// Connects to `endpoint`; `completion` gets the stream, or nil where there is none to be had, never before this returns.
    ///
    /// `hash`: what the connection is about. `route`: what is known of the way to it.
    func connect(
        to endpoint: Endpoint,
        about hash: Digest160,
        route: DialRoute = DialRoute(),
        completion: @escaping ((any PeerByteStream)?) -> Void
    ) {
        switch obfuscation.beginning(with: endpoint, isPreferred: route.prefersObfuscation) {
        case .plain:
            obfuscation.forget(endpoint)
            connectTransport(to: endpoint, route, completion: completion)
        case .obfuscated: connectObfuscated(to: endpoint, about: hash, route, completion: completion)
        case .plainFirst:
            connectTransport(to: endpoint, route) { [weak self] stream in
                guard let stream else { return completion(nil) }
                completion(
                    PlainFirstStream(stream) { completion in
                        guard let self else { return completion(nil) }
                        self.connectObfuscated(to: endpoint, about: hash, route, completion: completion)
                    }
                )
            }
        }
    }

    private func connectObfuscated(
        to endpoint: Endpoint,
        about hash: Digest160,
        _ route: DialRoute,
        completion: @escaping ((any PeerByteStream)?) -> Void
    ) {
        connectTransport(to: endpoint, route) { [obfuscation] carrier in
            guard let carrier else { return completion(nil) }
            let overTCP = carrier.transport == .tcp
            let stream = ObfuscatedPeerStream(dialling: hash, over: carrier, sharing: obfuscation) {
                [weak self] success in
                obfuscation.remember(endpoint, takesObfuscated: success)
                // Whoever takes a connection and says nothing, plain or not, may be one that takes no TCP.
                if !success, overTCP { self?.mute(endpoint) }
            }
            stream.start()
            completion(stream)
        }
    }

    private func connectTransport(
        to endpoint: Endpoint,
        _ route: DialRoute,
        completion: @escaping ((any PeerByteStream)?) -> Void
    ) {
        switch (utp, transports.contains(.tcp) && !route.isUTPOnly) {
        case (let utp?, true) where muteOverTCP.contains(endpoint):
            muteOverTCP.remove(endpoint)
            Self.connectUTP(utp, to: endpoint) { [weak self] stream in
                guard stream == nil, let self else { return completion(stream) }
                connectTCP(to: endpoint, completion: completion)
            }
        case (let utp?, false): Self.connectUTP(utp, to: endpoint, completion: completion)
        case (let utp?, true):
            let race = StreamRace(completion)
            connectTCP(to: endpoint) { race.finished(.tcp, $0) }
            race.start { Self.connectUTP(utp, to: endpoint) { race.finished(.utp, $0) } }
            loop.assumeIsolated().scheduleTask(in: Self.headStart) { race.startSecond() }
        case (nil, true): connectTCP(to: endpoint, completion: completion)
        case (nil, false): loop.assumeIsolated().execute { completion(nil) }
        }
    }

    private func mute(_ endpoint: Endpoint) {
        guard utp != nil, muteOverTCP.count < Obfuscation.capacity else { return }
        muteOverTCP.insert(endpoint)
    }

    private static func connectUTP(
        _ utp: UTPTransport,
        to endpoint: Endpoint,
        completion: @escaping ((any PeerByteStream)?) -> Void
    ) {
        utp.connect(to: endpoint) { completion($0.map { UTPPeerStream($0) }) }
    }

    /// Connects over TCP ahead of the ``connect(to:about:route:completion:)`` that is likely to follow.
    func prepare(_ endpoint: Endpoint) {
        guard transports.contains(.tcp), !muteOverTCP.contains(endpoint) else { return }
        prepared.prepare(endpoint) { dialTCP(to: endpoint, completion: $0) }
    }

    private func connectTCP(to endpoint: Endpoint, completion: @escaping ((any PeerByteStream)?) -> Void) {
        if prepared.take(endpoint, completion: completion) { return }
        dialTCP(to: endpoint) { completion($0) }
    }

    private func dialTCP(to endpoint: Endpoint, completion: @escaping (TCPPeerStream?) -> Void) {
        let stream = TCPPeerStream(endpoint: endpoint)
        let bound = NIOLoopBound(stream, eventLoop: loop)
        let connected = sockets.connect(to: endpoint, timeout: Self.patience) { channel in
            try channel.pipeline.syncOperations.addHandler(bound.value)
        }
        connected.assumeIsolated().whenComplete { result in
            switch result {
            case .success: completion(stream)
            case .failure: completion(nil)
            }
        }
    }
}
