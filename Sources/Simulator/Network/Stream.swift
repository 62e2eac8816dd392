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

    let host: Host
    let remote: Endpoint
    fileprivate(set) var isOpen = true
    fileprivate weak var other: StreamEnd?
    fileprivate var lastArrival = VirtualTime.zero
    var onReceive: (([UInt8]) -> Void)?
    /// So many bytes more have left by the line.
    var onSent: ((Int) -> Void)?
    var onClose: (() -> Void)?

    fileprivate init(host: Host, remote: Endpoint) {
        self.host = host
        self.remote = remote
    }

    func write(_ bytes: [UInt8]) {
        guard isOpen, let other else { return }
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
            let arrival = max(lastArrival, world.wayOfStream(from: host, to: other.host, part.count, left: left))
            lastArrival = arrival
            other.deliver(part, at: arrival, since: arrival)
        }
    }

    private func deliver(_ part: [UInt8], at time: VirtualTime, since first: VirtualTime) {
        let world = host.world
        world.plan(.stream, of: host, at: time, content: Trace.content(of: part)) { [weak self] in
            guard let self, isOpen, let sender = other else { return }
            if sender.host.island == host.island { return onReceive?(part) ?? () }
            guard world.now - first < Self.patience else { return sever() }
            deliver(part, at: world.now + .seconds(1), since: first)
        }
    }

    /// Ends the stream; the other end hears of it when what was written before has arrived.
    func close() {
        guard isOpen else { return }
        isOpen = false
        guard let other else { return }
        let world = host.world
        let arrival = max(lastArrival, world.wayOfStream(from: host, to: other.host, 0, left: world.now))
        world.plan(.stream, of: other.host, at: arrival, content: 0) { other.end() }
    }

    /// Both ends hear of it.
    private func sever() {
        other?.end()
        end()
    }

    fileprivate func end() {
        guard isOpen else { return }
        isOpen = false
        onClose?()
    }

    /// Its host has lost its power: the other end finds out after a while.
    func powerLost() {
        isOpen = false
        guard let other else { return }
        host.world.plan(.stream, of: other.host, at: host.world.now + .seconds(20), content: 0) { other.end() }
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
            hosts[index].translation == .none, hosts[index].island == host.island
        else { return fail(after: .seconds(10)) }
        let other = hosts[index]
        let way = Duration.nanoseconds(Geography.delay(host.place, other.place))
        guard let listener = other.program as? any StreamProgram else { return fail(after: way * 2) }
        let dialler = StreamEnd(host: host, remote: remote)
        let acceptor = StreamEnd(host: other, remote: host.endpoint)
        dialler.other = acceptor
        acceptor.other = dialler
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
