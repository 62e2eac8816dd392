// SPDX-License-Identifier: Apache-2.0
public import BitTorrent
public import NIOCore
public import Wire

/// uTP on the UDP port that the DHT has too: carries out what a ``UTPMultiplexer`` decides. Confined to one event loop, that of
/// its sockets.
///
/// What arrived in one turn is handed on at its end, so that what follows from it leaves in the same turn, with the
/// acknowledgements: a run of packets in, a run of packets out.
public final class UTPTransport: DatagramReceiver {
    private let loop: any EventLoop
    private var sockets: [UDPSocket]
    private var multiplexer: UTPMultiplexer
    private var output = UTPOutput()
    private var sender = UTPPacketSender()
    private var streams: [UTPConnectionID: UTPStream] = [:]
    private var dials: [UTPConnectionID: (UTPStream?) -> Void] = [:]
    /// Streams with something to tell.
    private var eventful: [UTPStream] = []
    private let onAccept: (UTPStream) -> Void
    private var timer: Scheduled<Void>?
    private var timerTime: UTPInstant?
    private var isInTurn = false
    private var expectsRuns = false
    private var isClosed = false

    /// `onAccept`: gets streams that others began, on the event loop.
    public init(
        sockets: [UDPSocket],
        loop: any EventLoop,
        configuration: UTPConfiguration = UTPConfiguration(),
        seed: UInt64,
        onAccept: @escaping (UTPStream) -> Void
    ) {
        self.loop = loop
        self.sockets = sockets
        self.onAccept = onAccept
        multiplexer = UTPMultiplexer(configuration: configuration, seed: seed)
        for socket in sockets { socket.register(self, for: .utp) }
    }

    /// What is kept for others, each with its bound.
    public var queues: [SessionQueue] { multiplexer.queues }

    static var now: UTPInstant { UTPInstant(microseconds: Int64(NIODeadline.now().uptimeNanoseconds / 1000)) }

    /// Goes on over other sockets of the same families and the same event loop.
    public func replace(_ new: [UDPSocket]) {
        for socket in sockets { socket.register(nil, for: .utp) }
        sockets = new
        expectsRuns = false
        guard !isClosed else { return }
        for socket in sockets { socket.register(self, for: .utp) }
        adaptSockets()
    }

    /// Gives every connection up, telling the other sides.
    public func shutdown() {
        guard !isClosed else { return }
        turn {
            for id in Array(streams.keys) + Array(dials.keys) { multiplexer.abort(id, now: Self.now, into: &output) }
        }
        isClosed = true
        timer?.cancel()
        for socket in sockets { socket.register(nil, for: .utp) }
    }

    /// Connections of both directions.
    public var count: Int { multiplexer.count }

    /// Dials. `completion` gets the stream, or nil where there is none to be had, never before this returns.
    public func connect(to endpoint: Endpoint, completion: @escaping (UTPStream?) -> Void) {
        guard !isClosed, socket(for: endpoint) != nil, let id = multiplexer.connect(to: endpoint, now: Self.now) else {
            return loop.assumeIsolated().execute { completion(nil) }
        }
        dials[id] = completion
        flushSoon()
    }

    private func socket(for endpoint: Endpoint) -> UDPSocket? {
        sockets.first { $0.localEndpoint.address.isV4 == endpoint.address.isV4 && $0.isOpen }
    }

    // MARK: Commands of streams

    func write(_ stream: UTPStream, _ count: Int) { multiplexer.write(stream.id, count: count) }

    func close(_ stream: UTPStream) {
        multiplexer.close(stream.id, now: Self.now)
        flushSoon()
    }

    func kept(_ stream: UTPStream, _ count: Int) { multiplexer.kept(stream.id, count: count) }

    func consumed(_ stream: UTPStream, _ count: Int) {
        multiplexer.consumed(stream.id, count: count)
        flushSoon()
    }

    func statistics(_ stream: UTPStream) -> UTPStatistics? { multiplexer.statistics(stream.id) }

    /// Sends what may be sent: now, or at the end of the turn that is under way.
    func flushSoon() {
        guard !isInTurn else { return }
        turn {}
    }

    // MARK: Datagrams

    /// One datagram.
    public func receive(_ datagram: ByteBuffer, from source: Endpoint) {
        receive(datagram, datagramsOf: datagram.readableBytes, from: source)
    }

    /// A run: datagrams of `size` bytes, the last perhaps less.
    public func receive(_ joined: ByteBuffer, datagramsOf size: Int, from source: Endpoint) {
        guard !isClosed else { return }
        let now = Self.now
        // What streams answer waits for the end of the turn: the events at hand come first.
        let wasInTurn = isInTurn
        isInTurn = true
        defer { isInTurn = wasInTurn }
        // SAFETY: the span and the pointer are used only while the closure runs, and the buffer is alive during it.
        unsafe joined.withUnsafeReadableBytes { bytes in
            var start = 0
            while start < bytes.count {
                let end = min(start + size, bytes.count)
                let datagram = unsafe UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                multiplexer.receive(unsafe Span<UInt8>(_unsafeBytes: datagram), from: source, now: now, into: &output)
                for event in output.events { unsafe take(event, datagram) }
                output.events.removeAll(keepingCapacity: true)
                start = end
            }
        }
    }

    /// What the turn led to leaves now.
    public func receivedAll() {
        guard !isClosed else { return }
        turn {}
    }

    // MARK: Turns

    /// One turn: what `body` causes, what streams answer to it, and the packets that follow.
    private func turn(_ body: () -> Void) {
        guard !isInTurn else { return body() }
        isInTurn = true
        body()
        repeat {
            report()
            multiplexer.flush(now: Self.now, into: &output)
            perform()
        } while !eventful.isEmpty || multiplexer.needsFlush
        isInTurn = false
        adaptSockets()
        schedule()
    }

    private func perform() {
        let none = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        let refused = sender.send(output, stream: { streams[$0] }, place: { place($0) })
        for packet in refused { multiplexer.refusedProbe(packet.connection, size: packet.size) }
        for reply in output.replies { socket(for: reply.destination)?.send(reply.bytes, to: reply.destination) }
        for packet in output.packets where packet.count > 0 {
            if let stream = streams[packet.connection] { note(stream) }
        }
        for event in output.events { unsafe take(event, none) }
        output.removeAll()
    }

    private func place(_ id: UTPConnectionID) -> (socket: UDPSocket, address: [UInt8], port: UInt16)? {
        if let stream = streams[id] {
            return socket(for: stream.endpoint).map { ($0, stream.address, stream.endpoint.port) }
        }
        guard let endpoint = multiplexer.endpoint(of: id), let socket = socket(for: endpoint) else { return nil }
        return (socket, endpoint.address.bytes, endpoint.port)
    }

    private func report() {
        let streams = eventful
        eventful.removeAll(keepingCapacity: true)
        for stream in streams {
            stream.isEventful = false
            stream.report()
        }
    }

    private func note(_ stream: UTPStream) {
        guard !stream.isEventful else { return }
        stream.isEventful = true
        eventful.append(stream)
    }

    private func take(_ event: UTPEvent, _ datagram: UnsafeRawBufferPointer) {
        switch event {
        case .received(let id, let range):
            guard let stream = streams[id] else { return }
            unsafe stream.take(UnsafeRawBufferPointer(rebasing: datagram[range]))
            if stream.isFull { stream.report() } else { note(stream) }
        case .held(let id, let key, let range):
            unsafe streams[id]?.hold(key, UnsafeRawBufferPointer(rebasing: datagram[range]))
        case .released(let id, let first, let count): streams[id]?.release(first: first, count: count)
        case .arrived(let id, let before):
            guard let stream = streams[id] else { return }
            stream.arrived(before: before)
            note(stream)
        case .connected(let id):
            guard let endpoint = multiplexer.endpoint(of: id) else { return }
            let stream = UTPStream(id, endpoint, self)
            streams[id] = stream
            dials.removeValue(forKey: id)?(stream)
        case .accepted(let id, let endpoint):
            let stream = UTPStream(id, endpoint, self)
            streams[id] = stream
            onAccept(stream)
        case .finished(let id, _): ended(id)
        case .ended(let id, _):
            ended(id)
            streams[id] = nil
            dials.removeValue(forKey: id)?(nil)
        }
    }

    private func ended(_ id: UTPConnectionID) {
        guard let stream = streams[id] else { return }
        stream.end()
        note(stream)
    }

    // MARK: Time

    private func adaptSockets() {
        guard expectsRuns != (multiplexer.count > 0) else { return }
        expectsRuns.toggle()
        for socket in sockets where socket.isOpen { socket.expectRuns(expectsRuns) }
    }

    private func schedule() {
        guard let wake = multiplexer.wake, !isClosed else { return }
        if let timerTime, timerTime <= wake { return }
        timer?.cancel()
        timerTime = wake
        let deadline = NIODeadline.uptimeNanoseconds(UInt64(max(0, wake.microseconds)) * 1000)
        timer = loop.assumeIsolated().scheduleTask(deadline: deadline) { [weak self] in self?.tick() }
    }

    private func tick() {
        timerTime = nil
        guard !isClosed else { return }
        turn { multiplexer.tick(now: Self.now, into: &output) }
    }
}
