// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension World {
    /// A datagram goes on its way: through the sender's router and line, over the distance, and to whoever has the
    /// address, if the line there takes it, and then the router, which decides when it has come (``isAdmitted(_:to:)``).
    func send(_ bytes: [UInt8], from host: Host, to destination: Endpoint) {
        bytesSent += bytes.count + 28
        inspect(bytes, from: host)
        let port = network.outsidePort(of: host, to: destination, now: now)
        let source = Endpoint(host.endpoint.address, port: port)
        guard let left = host.leaves(bytes.count + 28) else { return }
        guard let index = network.owner(of: destination.address) else { return }
        let receiver = hosts[index]
        guard receiver.island == host.island,
            !network.random.happens(perMillion: host.line.lossPerMillion + receiver.line.lossPerMillion)
        else { return }
        // Who is switched on later is not whom it was for.
        guard receiver.isOn else { return }
        let datagram = Datagram(
            receiver: index,
            incarnation: receiver.incarnation,
            source: source,
            port: destination.port,
            bytes: bytes
        )
        deliver(datagram, host, to: receiver, left)
        if network.random.happens(perMillion: host.line.duplicatesPerMillion) {
            deliver(datagram, host, to: receiver, left)
        }
    }

    private func deliver(_ datagram: Datagram, _ sender: Host, to receiver: Host, _ left: VirtualTime) {
        var delay = Geography.delay(sender.place, receiver.place)
        delay += Int64(network.random.below(Int((sender.line.jitter + receiver.line.jitter).inNanoseconds)))
        if network.random.happens(perMillion: sender.line.reorderedPerMillion) {
            delay += Int64(network.random.below(Int(sender.line.reorderDelay.inNanoseconds)))
        }
        let arrival = receiver.arrives(datagram.bytes.count + 28, at: left + .nanoseconds(delay))
        queue.plan(.datagram(datagram), at: arrival)
    }

    /// Whether a datagram that has reached a host's line is in; otherwise it waits for those before it, or is dropped.
    func hasCome(_ datagram: Datagram, to host: Host) -> Bool {
        guard !host.isFlooded else { return false }
        let time = host.comesIn(datagram.bytes.count + 28)
        guard time > now else { return true }
        var waiting = datagram
        waiting.hasWaited = true
        queue.plan(.datagram(waiting), at: time)
        return false
    }

    /// Whether the router behind the line lets it through now: two who write to each other at once open each other's way
    /// before the other's datagram comes.
    func isAdmitted(_ datagram: Datagram, to host: Host) -> Bool {
        network.admits(datagram.source, to: host, port: datagram.port, now: now)
    }
}

extension Host {
    /// When that many bytes have left by the line; nil where its buffer is full.
    func leaves(_ bytes: Int) -> VirtualTime? {
        let begin = max(uplinkFree, world.now)
        guard begin - world.now <= line.buffer else { return nil }
        uplinkFree = begin + .nanoseconds(Int64(bytes) * 1_000_000_000 / Int64(max(line.uplink, 1)))
        return uplinkFree
    }

    /// When that many bytes that reach the line at `time` have come in, where nothing else does (``comesIn(_:)``).
    func arrives(_ bytes: Int, at time: VirtualTime) -> VirtualTime {
        time + .nanoseconds(Int64(bytes) * 1_000_000_000 / Int64(max(line.downlink, 1)))
    }
}
