// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// One end of a byte stream between two hosts: what TCP gives, without its packets.
///
/// Bytes arrive in order and as they were sent, after the sender's line has taken them, the way, and the receiver's line;
/// a lost packet holds up what follows it by a round trip. Where the way is cut for longer than ``patience`` both ends
/// hear that the stream has ended, as they do some time after the other host lost its power.
final class StreamEnd {
    static let patience = Duration.seconds(30)
    /// The bytes of one step.
    static let chunk = 16_384

    /// What has reached the line and not come in: bytes, or nil for the end.
    private struct Part {
        var bytes: [UInt8]?
        var since: VirtualTime
    }

    let host: Host
    let remote: Endpoint
    private let far: Host
    fileprivate(set) var isOpen = true
    fileprivate weak var other: StreamEnd?
    private var lastArrival = VirtualTime.zero
    /// In their order; the first one comes in, or waits. Bounded by what the other end has written.
    private var inbox: [Part] = []
    var onReceive: (([UInt8]) -> Void)?
    /// So many bytes more have left by the line.
    var onSent: ((Int) -> Void)?
    var onClose: (() -> Void)?

    fileprivate init(host: Host, far: Host, remote: Endpoint) {
        self.host = host
        self.far = far
        self.remote = remote
    }

    // MARK: - What leaves

    func write(_ bytes: [UInt8]) {
        guard isOpen, let other else { return }
        host.world.inspect(bytes, from: host)
        var start = 0
        while start < bytes.count {
            let part = Array(bytes[start..<min(start + Self.chunk, bytes.count)])
            start += part.count
            let world = host.world
            let left = host.leavesInOrder(part.count)
            world.plan(.stream, of: host, at: left, content: UInt64(part.count)) { [weak self] in
                guard let self, isOpen else { return }
                onSent?(part.count)
            }
            lastArrival = max(lastArrival, world.wayOfStream(from: host, to: far, part.count, left: left))
            other.expect(part, at: lastArrival)
        }
    }

    /// Ends the stream; the other end hears of it when what was written before has come in.
    func close() {
        guard isOpen else { return }
        isOpen = false
        forget()
        guard let other else { return }
        let world = host.world
        other.expect(nil, at: max(lastArrival, world.wayOfStream(from: host, to: far, 0, left: world.now)))
    }

    /// Its host has lost its power: the other end finds out after a while.
    func powerLost() {
        isOpen = false
        forget()
        guard let other else { return }
        host.world.plan(.stream, of: other.host, at: host.world.now + .seconds(20), content: 0) { other.end() }
    }

    // MARK: - What comes

    private func expect(_ bytes: [UInt8]?, at time: VirtualTime) {
        let content = bytes.map { Trace.content(of: $0) } ?? 0
        // The end of a stream is heard of also by who forgot its own.
        host.world.plan(.stream, of: host, at: time, content: content) { [self] in
            inbox.append(Part(bytes: bytes, since: time))
            if inbox.count == 1 { takeFirst() }
        }
    }

    /// What comes first comes in: now, or as soon as the line has taken it, or when the way is open again.
    private func takeFirst() {
        guard isOpen, let first = inbox.first else { return inbox.removeAll() }
        let world = host.world
        guard far.island == host.island else {
            guard world.now - first.since < Self.patience else { return sever() }
            return world.plan(.stream, of: host, at: world.now + .seconds(1), content: 0) { [self] in takeFirst() }
        }
        let time = host.comesIn(first.bytes?.count ?? 0)
        guard time > world.now else { return finishFirst() }
        world.plan(.stream, of: host, at: time, content: 0) { [self] in finishFirst() }
    }

    private func finishFirst() {
        guard isOpen, !inbox.isEmpty else { return inbox.removeAll() }
        guard let bytes = inbox.removeFirst().bytes else { return end() }
        onReceive?(bytes)
        if !inbox.isEmpty { takeFirst() }
    }

    /// Both ends hear of it.
    private func sever() {
        other?.end()
        end()
    }

    private func end() {
        guard isOpen else { return }
        isOpen = false
        inbox.removeAll()
        let heard = onClose
        forget()
        heard?()
    }

    /// Whoever used it hears of nothing more. What it called may hold it, so it must not hold that any longer.
    private func forget() { (onReceive, onSent, onClose) = (nil, nil, nil) }

    fileprivate static func pair(_ host: Host, _ listener: Host) -> (StreamEnd, StreamEnd) {
        let dialler = StreamEnd(host: host, far: listener, remote: listener.endpoint)
        let acceptor = StreamEnd(host: listener, far: host, remote: host.endpoint)
        dialler.other = acceptor
        acceptor.other = dialler
        return (dialler, acceptor)
    }
}

extension Host {
    fileprivate func leavesInOrder(_ bytes: Int) -> VirtualTime {
        let begin = max(uplinkFree, world.now)
        uplinkFree = begin + .nanoseconds(Int64(bytes) * 1_000_000_000 / Int64(max(line.uplink, 1)))
        return uplinkFree
    }
}

extension World {
    fileprivate func wayOfStream(from: Host, to: Host, _ bytes: Int, left: VirtualTime) -> VirtualTime {
        let delay = Geography.delay(from.place, to.place)
        // About one packet in ten of a chunk has to be lost for it to be late.
        let packets = bytes / 1400 + 1
        let isLate = network.random.happens(perMillion: (from.line.lossPerMillion + to.line.lossPerMillion) * packets)
        return to.arrives(bytes, at: left + .nanoseconds(isLate ? delay * 3 : delay))
    }

    /// Connects a host to whoever listens at an address; nil where nobody answers.
    func connect(_ host: Host, to remote: Endpoint, _ done: @escaping (StreamEnd?) -> Void) {
        func fail(after delay: Duration) {
            plan(.stream, of: host, at: now + delay, content: 1) { done(nil) }
        }
        guard let index = network.owner(of: remote.address), hosts[index].endpoint == remote,
            hosts[index].translation == .none, hosts[index].island == host.island, let program = hosts[index].program
        else { return fail(after: .seconds(10)) }
        let other = hosts[index]
        let way = Duration.nanoseconds(Geography.delay(host.place, other.place))
        guard let listener = program as? any StreamProgram else { return fail(after: way * 2) }
        let (dialler, acceptor) = StreamEnd.pair(host, other)
        plan(.stream, of: other, at: now + way, content: 2) { listener.accepted(acceptor) }
        // The closure keeps both ends until then; afterwards their programs do.
        plan(.stream, of: host, at: now + way * 2, content: 3) {
            _ = acceptor
            done(dialler)
        }
    }
}

/// A program that takes streams.
protocol StreamProgram: Program {
    func accepted(_ stream: StreamEnd)
}
