// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import NIOCore
internal import Wire

/// Carries out the exchanges with trackers over UDP. Confined to one event loop.
///
/// One socket for each family, apart from the port of DHT and uTP: a tracker's datagrams begin with four zero bits and could
/// be taken for something else there. Bounds: ``maximumTrackers`` trackers at once, more are refused.
final class UDPTrackerDriver: DatagramReceiver {
    typealias Completion = (Result<UDPTrackerMessage.Reply, TrackerError>) -> Void

    static let maximumTrackers = 128
    /// After the second time-out, at 45 s: by then another tracker is to be tried.
    static let maximumAttempts = 2

    private final class Peer {
        var exchange: UDPTrackerExchange
        var timer: Scheduled<Void>?
        var lastUse: Duration

        init(_ exchange: consuming UDPTrackerExchange, _ now: Duration) {
            self.exchange = exchange
            lastUse = now
        }
    }

    private let loop: any EventLoop
    private var sockets: [Bool: UDPSocket] = [:]
    private var peers: [Endpoint: Peer] = [:]
    private var completions: [TrackerRequestID: Completion] = [:]
    private var nextRequest: UInt64 = 1
    private var isClosed = false

    init(loop: any EventLoop) {
        self.loop = loop
    }

    private static var now: Duration { .nanoseconds(Int64(clamping: NIODeadline.now().uptimeNanoseconds)) }

    /// Asks the tracker at `endpoint`; `completion` is called once.
    func request(_ request: UDPTrackerMessage.Request, at endpoint: Endpoint, completion: @escaping Completion) {
        guard !isClosed else { return completion(.failure(.unreachable)) }
        guard sockets[endpoint.address.isV4] == nil else { return begin(request, endpoint, completion) }
        let any = Endpoint(endpoint.address.isV4 ? .v4(0) : .v6(high: 0, low: 0), port: 0)
        let loop = loop
        loop.makeFutureWithTask { try await UDPSocket.bind(to: any, on: loop) }
            .assumeIsolated().whenComplete { result in
                guard case .success(let socket) = result else { return completion(.failure(.unreachable)) }
                self.adopt(socket, isV4: endpoint.address.isV4)
                self.begin(request, endpoint, completion)
            }
    }

    private func adopt(_ socket: UDPSocket, isV4: Bool) {
        guard sockets[isV4] == nil, !isClosed else { return Self.close(socket, loop) }
        socket.register(self, for: .other)
        // A tracker's action may look like anything, a connect reply of another version like uTP.
        socket.register(self, for: .utp)
        sockets[isV4] = socket
    }

    private static func close(_ socket: UDPSocket, _ loop: any EventLoop) {
        loop.makeFutureWithTask { await socket.close() }.whenComplete { _ in }
    }

    private func begin(_ request: UDPTrackerMessage.Request, _ endpoint: Endpoint, _ completion: @escaping Completion) {
        guard !isClosed, let peer = peer(at: endpoint) else { return completion(.failure(.unreachable)) }
        let id = TrackerRequestID(nextRequest)
        nextRequest += 1
        completions[id] = completion
        peer.lastUse = Self.now
        perform(peer.exchange.request(id, request, now: Self.now), peer, endpoint)
    }

    private func peer(at endpoint: Endpoint) -> Peer? {
        if let known = peers[endpoint] { return known }
        if peers.count >= Self.maximumTrackers {
            // The connection ids of trackers that have not been asked for long are worth nothing.
            peers = peers.filter { !$0.value.exchange.isIdle || Self.now - $0.value.lastUse < .seconds(60) }
        }
        guard peers.count < Self.maximumTrackers else { return nil }
        let exchange = UDPTrackerExchange(
            isV6: !endpoint.address.isV4,
            maximumAttempts: Self.maximumAttempts,
            seed: .random(in: 0 ... .max)
        )
        let peer = Peer(exchange, Self.now)
        peers[endpoint] = peer
        return peer
    }

    func receive(_ datagram: ByteBuffer, from source: Endpoint) {
        guard let peer = peers[source], datagram.readableBytes <= UDPTrackerMessage.maximumBytes else { return }
        perform(peer.exchange.receive(Array(datagram.readableBytesView), now: Self.now), peer, source)
    }

    private func perform(_ actions: [UDPTrackerExchange.Action], _ peer: Peer, _ endpoint: Endpoint) {
        var finished: [(TrackerRequestID, Result<UDPTrackerMessage.Reply, TrackerError>)] = []
        for action in actions {
            switch action {
            case .send(let bytes): sockets[endpoint.address.isV4]?.send(bytes, to: endpoint)
            case .wake(let time): schedule(time, peer, endpoint)
            case .finished(let id, let result): finished.append((id, result))
            }
        }
        for (id, result) in finished { completions.removeValue(forKey: id)?(result) }
    }

    private func schedule(_ time: Duration, _ peer: Peer, _ endpoint: Endpoint) {
        peer.timer?.cancel()
        let wait = max(.zero, time - Self.now).components
        let delay = TimeAmount.nanoseconds(
            min(wait.seconds, 1 << 31) * 1_000_000_000 + wait.attoseconds / 1_000_000_000
        )
        peer.timer = loop.assumeIsolated().scheduleTask(in: delay) { [weak self, weak peer] in
            guard let self, let peer else { return }
            self.perform(peer.exchange.wake(now: Self.now), peer, endpoint)
        }
    }

    /// Whatever is waited for fails.
    func close() {
        isClosed = true
        for peer in peers.values { peer.timer?.cancel() }
        peers = [:]
        for socket in sockets.values { Self.close(socket, loop) }
        sockets = [:]
        let waiting = completions.values
        completions = [:]
        for completion in waiting { completion(.failure(.unreachable)) }
    }
}
