// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import NIOCore
internal import Synchronization
internal import Transport
public import Wire

/// The one port on which all torrents and sites of a program are reached: the hash in a connection's handshake says whose
/// it is.
///
/// A connection that names nothing registered, or takes more than ten seconds to say what it wants, is closed. Memory: at most
/// 64 KiB for each connection that has not said it; see ``WaitingRoom`` for how many there may be.
public final class SwarmListener: Sendable {
    /// See ``SwarmConfiguration/greetingPatience``.
    let patience: TimeAmount
    private struct Registry {
        var acceptors: [Digest160: ConnectionAcceptor] = [:]
        var names = ObfuscatedHashes()
        /// What is reached by plain connections under every policy.
        var plain: Set<Digest160> = []
    }

    private let registry = Mutex(Registry())
    /// One of each family that is listened in.
    private let channels = Mutex<[any Channel]>([])
    private let waiting: NIOLoopBoundBox<WaitingRoom<HandshakeDispatcher>>
    private let sockets: TCPSockets
    private let loop: any EventLoop
    private let obfuscation: NIOLoopBoundBox<Obfuscation>

    init(
        loop: any EventLoop,
        sockets: TCPSockets,
        obfuscation: NIOLoopBoundBox<Obfuscation>,
        patience: TimeAmount
    ) {
        self.patience = patience
        self.loop = loop
        self.sockets = sockets
        self.obfuscation = obfuscation
        waiting = NIOLoopBoundBox.makeBoxSendingValue(WaitingRoom(), eventLoop: loop)
    }

    /// Connections that name `hash` go to `acceptor` from now on, in place of any other.
    ///
    /// `isPlain`: for a protocol that has plain connections only, whatever the swarm's policy for torrents.
    public func register(_ hash: Digest160, isPlain: Bool = false, acceptor: @escaping ConnectionAcceptor) {
        registry.withLock { registry in
            if registry.acceptors.updateValue(acceptor, forKey: hash) == nil { registry.names.insert(hash) }
            if isPlain { registry.plain.insert(hash) }
        }
    }

    /// Connections that name `hash` are refused from now on; those handed over already stay.
    public func unregister(_ hash: Digest160) {
        registry.withLock { registry in
            if registry.acceptors.removeValue(forKey: hash) != nil { registry.names.remove(hash) }
            registry.plain.remove(hash)
        }
    }

    /// Starts to listen: at all of these, or at none.
    ///
    /// - Returns: where, with the port that was chosen.
    func listen(on endpoints: [Endpoint]) async throws -> [Endpoint] {
        var open: [any Channel] = []
        do {
            for endpoint in endpoints { open.append(try await bind(endpoint)) }
        } catch {
            for channel in open { try? await channel.close().get() }
            throw error
        }
        let all = open
        channels.withLock { $0 += all }
        return zip(open, endpoints).map { channel, wanted in
            channel.localAddress.flatMap { Endpoint($0) } ?? wanted
        }
    }

    private func bind(_ endpoint: Endpoint) async throws -> any Channel {
        try await sockets.listen(on: endpoint) { channel in
            guard let remote = channel.remoteAddress.flatMap({ Endpoint($0) }) else {
                channel.close(promise: nil)
                return
            }
            let stream = TCPPeerStream(endpoint: remote)
            try channel.pipeline.syncOperations.addHandler(stream)
            self.admit(stream)
        }.get()
    }

    func close() async {
        let open = channels.withLock { channels in
            let open = channels
            channels = []
            return open
        }
        for channel in open { try? await channel.close().get() }
    }

    // MARK: Streams that came

    /// Hears out a stream that somebody made to us, whatever carries it. On the swarm's event loop.
    func admit(_ stream: any PeerByteStream) {
        let dispatcher = HandshakeDispatcher(stream: stream, listener: self, loop: loop)
        let (number, displaced) = waiting.value.enter(dispatcher, from: stream.endpoint.address)
        dispatcher.start(number)
        displaced?.refuse()
    }

    /// On the swarm's event loop.
    var queue: SessionQueue {
        SessionQueue("connections that have yet to say what they want", waiting.value.count, waiting.value.capacity)
    }

    func ended(_ number: UInt64) { waiting.value.leave(number) }

    func acceptor(of hash: Digest160) -> ConnectionAcceptor? { registry.withLock { $0.acceptors[hash] } }

    // MARK: Obfuscated streams

    /// On the swarm's event loop.
    var policy: EncryptionPolicy { obfuscation.value.policy }

    func acceptsPlain(_ hash: Digest160) -> Bool {
        policy.acceptsPlain || registry.withLock { $0.plain.contains(hash) }
    }

    /// The stream that `carrier` hides. On the swarm's event loop.
    func reveal(_ carrier: any PeerByteStream) -> ObfuscatedPeerStream {
        ObfuscatedPeerStream(accepting: carrier, sharing: obfuscation.value) { [weak self] name in
            self?.registry.withLock { $0.names.hash(named: name) }
        }
    }
}
