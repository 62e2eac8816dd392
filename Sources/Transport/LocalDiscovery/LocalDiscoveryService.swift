// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Logging
public import NIOCore
internal import NIOPosix
public import Wire

/// Runs ``LocalDiscovery`` on multicast sockets: one that hears the group, and one for each interface that speaks to it.
///
/// Interfaces are looked at again every minute: networks come and go. Where none can be had, nothing is announced and nothing
/// is an error. Thread-safe; the work is done on one event loop.
public final class LocalDiscoveryService: Sendable {
    /// How many routers a datagram may pass: the groups are wider than a link (BEP 14), few networks route them.
    static let hops = 8
    static let scanInterval = TimeAmount.seconds(60)

    private let core: NIOLoopBoundBox<Core>
    private let loop: any EventLoop

    /// `listen`: where peers reach us. `onPeer`: called on `loop` for each peer that was heard of, possibly often.
    public init(
        listen: Endpoint,
        loop: any EventLoop,
        onPeer: @escaping @Sendable (Digest160, Endpoint) -> Void
    ) {
        self.loop = loop
        let cookie = UInt32.random(in: .min ... .max)
        core = NIOLoopBoundBox.makeBoxSendingValue(
            Core(listen: listen, cookie: cookie, loop: loop, onPeer: onPeer),
            eventLoop: loop
        )
    }

    /// Opens the sockets and speaks from then on.
    public func start() { loop.execute { self.core.value.open() } }

    /// Announces a torrent until ``withdraw(_:)``. Never to be called for a private one (BEP 27).
    public func announce(_ hash: Digest160) { loop.execute { self.core.value.add(hash) } }
    /// Announces a torrent no more; one that was not announced is fine.
    public func withdraw(_ hash: Digest160) { loop.execute { self.core.value.remove(hash) } }

    /// Over how many interfaces it speaks now.
    public func interfaceCount() async -> Int { (try? await loop.submit { self.core.value.senders.count }.get()) ?? 0 }

    /// Closes the sockets; returns when they are closed.
    public func shutdown() async { try? await loop.submit { self.core.value.close() }.get() }

    /// Everything on the loop.
    private final class Core {
        private let listen: Endpoint
        private let group: LocalDiscovery.Group
        private let loop: any EventLoop
        private let onPeer: @Sendable (Digest160, Endpoint) -> Void
        private var machine: LocalDiscovery
        private var timer: Scheduled<Void>?
        private var scan: Scheduled<Void>?
        private var ear: (any Channel)?
        private var hears = false
        private var interfaces: [MulticastInterface] = []
        private(set) var senders: [any Channel] = []
        /// Everything that is to be announced waits until answers can be heard.
        private var isReady = false
        private var isClosed = false

        init(
            listen: Endpoint,
            cookie: UInt32,
            loop: any EventLoop,
            onPeer: @escaping @Sendable (Digest160, Endpoint) -> Void
        ) {
            self.listen = listen
            self.loop = loop
            self.onPeer = onPeer
            group = listen.address.isV4 ? .v4 : .v6
            machine = LocalDiscovery(listenPort: listen.port, cookie: cookie)
        }

        private var now: Duration { .nanoseconds(Int64(clamping: NIODeadline.now().uptimeNanoseconds)) }

        // MARK: Sockets

        func open() {
            guard !isClosed else { return }
            look()
            scan = loop.assumeIsolated().scheduleTask(in: LocalDiscoveryService.scanInterval) { [weak self] in
                self?.open()
            }
        }

        /// Opens sockets anew where the interfaces have changed or a socket was closed by the system.
        private func look() {
            let found = MulticastInterface.serving(listen)
            let isWhole = ear?.isActive == true && senders.allSatisfy(\.isActive) && senders.count == interfaces.count
            guard found != interfaces || !isWhole else { return }
            closeSockets()
            isReady = false
            interfaces = found
            guard !found.isEmpty else { return }
            listenToGroup(found)
            for interface in found {
                interface.sender(on: loop).assumeIsolated().whenSuccess { [weak self] channel in
                    guard let self, !self.isClosed else { return channel.close(promise: nil) }
                    self.senders.append(channel)
                    self.opened()
                }
            }
        }

        private func listenToGroup(_ interfaces: [MulticastInterface]) {
            guard let address = try? Endpoint(group.address, port: LocalDiscovery.port).socketAddress() else { return }
            let bound = NIOLoopBound(Ear { [weak self] in self?.received($0, from: $1) }, eventLoop: loop)
            // Bound to the group, not to all addresses: what is sent to this machine alone is not heard.
            let opened = DatagramBootstrap(group: loop)
                .channelOption(.socketOption(.so_reuseaddr), value: 1)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(bound.value)
                    }
                }
                .bind(to: address)
            opened.assumeIsolated().whenSuccess { [weak self] channel in
                guard let self, !self.isClosed, let multicast = channel as? any MulticastChannel else {
                    return channel.close(promise: nil)
                }
                self.ear = channel
                let joined = interfaces.map { multicast.joinGroup(address, device: $0.device) }
                EventLoopFuture.andAllComplete(joined, on: self.loop).assumeIsolated().whenComplete { [weak self] _ in
                    self?.hears = true
                    self?.opened()
                }
            }
        }

        private func opened() {
            guard !isReady, hears, senders.count == interfaces.count else { return }
            isReady = true
            perform(machine.interfacesChanged(now: now))
        }

        private func closeSockets() {
            hears = false
            for channel in senders { channel.close(promise: nil) }
            ear?.close(promise: nil)
            senders = []
            ear = nil
        }

        func close() {
            isClosed = true
            timer?.cancel()
            scan?.cancel()
            closeSockets()
        }

        // MARK: The machine

        func add(_ hash: Digest160) { perform(machine.add(hash, now: now)) }
        func remove(_ hash: Digest160) { machine.remove(hash) }

        private func received(_ bytes: [UInt8], from source: IPAddress) {
            perform(machine.receive(bytes[...], from: source, now: now))
        }

        private func perform(_ actions: [LocalDiscovery.Action]) {
            for action in actions {
                switch action {
                case .announce(let announcement): send(announcement.encoded(for: group))
                case .peer(let hash, let endpoint): onPeer(hash, endpoint)
                case .wake(let time): schedule(time)
                }
            }
        }

        private func send(_ bytes: [UInt8]) {
            guard let address = try? Endpoint(group.address, port: LocalDiscovery.port).socketAddress() else { return }
            for channel in senders {
                let envelope = AddressedEnvelope(remoteAddress: address, data: ByteBuffer(bytes: bytes))
                channel.writeAndFlush(envelope, promise: nil)
            }
        }

        private func schedule(_ time: Duration) {
            timer?.cancel()
            guard isReady, !isClosed else { return }
            let wait = max(.zero, time - now).components
            let nanoseconds = wait.seconds * 1_000_000_000 + wait.attoseconds / 1_000_000_000
            timer = loop.assumeIsolated().scheduleTask(in: .nanoseconds(nanoseconds)) { [weak self] in
                guard let self else { return }
                self.perform(self.machine.wake(now: self.now))
            }
        }
    }

    /// Hears the group.
    private final class Ear: ChannelInboundHandler {
        typealias InboundIn = AddressedEnvelope<ByteBuffer>
        private let heard: ([UInt8], IPAddress) -> Void

        init(_ heard: @escaping ([UInt8], IPAddress) -> Void) { self.heard = heard }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let envelope = Self.unwrapInboundIn(data)
            guard let source = Endpoint(envelope.remoteAddress) else { return }
            heard(Array(envelope.data.readableBytesView), source.address)
        }
    }
}
