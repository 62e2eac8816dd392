// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension World {
    /// A datagram goes on its way: through the sender's router and line, over the distance, and to whoever has the
    /// address, if the routers and the lines let it.
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
        deliver(bytes, from: source, host, to: receiver, port: destination.port, left)
        if network.random.happens(perMillion: host.line.duplicatesPerMillion) {
            deliver(bytes, from: source, host, to: receiver, port: destination.port, left)
        }
    }

    private func deliver(
        _ bytes: [UInt8],
        from source: Endpoint,
        _ sender: Host,
        to receiver: Host,
        port: UInt16,
        _ left: VirtualTime
    ) {
        // The router decides when the datagram arrives; who it was for stands by its address until then.
        guard receiver.isOn, network.admits(source, to: receiver, port: port, now: now) else { return }
        var delay = Geography.delay(sender.place, receiver.place)
        delay += Int64(network.random.below(Int((sender.line.jitter + receiver.line.jitter).inNanoseconds)))
        if network.random.happens(perMillion: sender.line.reorderedPerMillion) {
            delay += Int64(network.random.below(Int(sender.line.reorderDelay.inNanoseconds)))
        }
        let arrival = receiver.arrives(bytes.count + 28, at: left + .nanoseconds(delay))
        let event = Event.datagram(
            to: receiver.index,
            incarnation: receiver.incarnation,
            from: source,
            bytes: bytes,
            hasWaited: false
        )
        queue.plan(event, at: arrival)
    }

    /// Whether a datagram that has reached a host's line is in; otherwise it waits for those before it, or is dropped.
    func hasCome(_ bytes: [UInt8], to host: Host, from source: Endpoint) -> Bool {
        guard !host.isFlooded else { return false }
        let time = host.comesIn(bytes.count + 28)
        guard time > now else { return true }
        let event = Event.datagram(
            to: host.index,
            incarnation: host.incarnation,
            from: source,
            bytes: bytes,
            hasWaited: true
        )
        queue.plan(event, at: time)
        return false
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
