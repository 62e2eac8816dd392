// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import TestSupport
import Wire

/// One direction of a path in virtual time: a queue of bytes that drains at a rate, then a delay, with accidents by seed.
struct UTPLink {
    /// Bytes a microsecond; nil for no limit.
    var rate: Double?
    /// Bytes that fit into the queue.
    var queue = Int.max
    /// Microseconds.
    var delay: Int64 = 1000
    var jitter: Int64 = 0
    var loss = 0.0
    var duplication = 0.0
    /// Datagrams larger than this vanish.
    var largest = Int.max

    /// When the queue is empty.
    var free = 0.0
    var drops = 0
    var bytes = 0

    /// When copies of a datagram that is sent at `now` arrive.
    mutating func arrivals(_ count: Int, now: Int64, random: inout SplitMix64) -> [Int64] {
        guard count <= largest else { return [] }
        let size = count + 28
        var departure = Double(now)
        if let rate {
            let backlog = max(0, free - Double(now)) * rate
            guard backlog + Double(size) <= Double(queue) else {
                drops += 1
                return []
            }
            free = max(free, Double(now)) + Double(size) / rate
            departure = free
        }
        bytes += size
        guard Double.random(in: 0..<1, using: &random) >= loss else {
            drops += 1
            return []
        }
        func arrival() -> Int64 {
            Int64(departure) + delay + (jitter > 0 ? Int64.random(in: 0...jitter, using: &random) : 0)
        }
        let isTwice = duplication > 0 && Double.random(in: 0..<1, using: &random) < duplication
        return isTwice ? [arrival(), arrival()] : [arrival()]
    }
}

/// One side: a multiplexer and the bytes that it has none of.
final class UTPHost {
    struct Stream {
        var outgoing: [UInt8] = []
        var incoming: [UInt8] = []
        var held: [UInt16: [UInt8]] = [:]
        var isOpen = false
        var finished: UInt16?
        var ended: UTPEnding?
        var arrived: Int64 = 0
    }

    var multiplexer: UTPMultiplexer
    let endpoint: Endpoint
    /// Microseconds that its clock is ahead.
    let clock: Int64
    var streams: [UTPConnectionID: Stream] = [:]
    var accepted: [UTPConnectionID] = []
    var output = UTPOutput()
    /// Bytes that the reader keeps from being consumed, where it is slow.
    var readsNothing = false

    init(_ number: UInt32, seed: UInt64, clock: Int64 = 0, configuration: UTPConfiguration = UTPConfiguration()) {
        multiplexer = UTPMultiplexer(configuration: configuration, seed: seed)
        endpoint = Endpoint(.v4(0x0A00_0000 + number), port: UInt16(6000 + number))
        self.clock = clock
    }

    func local(_ now: Int64) -> UTPInstant { UTPInstant(microseconds: now + clock) }

    func write(_ id: UTPConnectionID, _ bytes: [UInt8]) {
        streams[id, default: Stream()].outgoing += bytes
        multiplexer.write(id, count: bytes.count)
    }

    func receive(_ datagram: [UInt8], from source: Endpoint, now: Int64) {
        multiplexer.receive(datagram.span, from: source, now: local(now), into: &output)
        for event in output.events { take(event, datagram) }
        output.events.removeAll()
    }

    private func take(_ event: UTPEvent, _ datagram: [UInt8]) {
        switch event {
        case .connected(let id): streams[id, default: Stream()].isOpen = true
        case .accepted(let id, _):
            streams[id, default: Stream()].isOpen = true
            accepted.append(id)
        case .received(let id, let range):
            streams[id]?.incoming += datagram[range]
            if readsNothing { multiplexer.kept(id, count: range.count) }
        case .held(let id, let key, let range): streams[id]?.held[key] = Array(datagram[range])
        case .released(let id, let first, let count):
            for offset in 0..<UInt16(count) {
                let bytes = streams[id]?.held.removeValue(forKey: first &+ offset) ?? []
                streams[id]?.incoming += bytes
                if readsNothing { multiplexer.kept(id, count: bytes.count) }
            }
        case .arrived(let id, let before): streams[id]?.arrived = before
        case .finished(let id, let reason): streams[id]?.finished = reason
        case .ended(let id, let ending): streams[id]?.ended = ending
        }
    }

    /// The datagrams that leave now.
    func flush(_ now: Int64) -> [(destination: Endpoint, bytes: [UInt8])] {
        multiplexer.tick(now: local(now), into: &output)
        multiplexer.flush(now: local(now), into: &output)
        var datagrams: [(Endpoint, [UInt8])] = []
        for reply in output.replies { datagrams.append((reply.destination, reply.bytes)) }
        for packet in output.packets {
            var bytes = Array(output.headers[packet.header])
            let range = Int(packet.offset)..<Int(packet.offset) + packet.count
            if packet.count > 0, let stream = streams[packet.connection] { bytes += stream.outgoing[range] }
            if let destination = multiplexer.endpoint(of: packet.connection) { datagrams.append((destination, bytes)) }
        }
        for event in output.events { take(event, []) }
        output.removeAll()
        return datagrams
    }
}

/// Hosts and the paths between them, in virtual time.
final class UTPWorld {
    private struct Flight: Comparable {
        var time: Int64
        var order: Int
        var destination: Endpoint
        var source: Endpoint
        var bytes: [UInt8]

        static func < (left: Flight, right: Flight) -> Bool { (left.time, left.order) < (right.time, right.order) }
    }

    var now: Int64 = 1_000_000
    var random: SplitMix64
    var hosts: [Endpoint: UTPHost] = [:]
    /// Of what each host sends.
    var links: [Endpoint: UTPLink] = [:]
    var delivered = 0
    private var flights: [Flight] = []
    private var order = 0

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
    }

    @discardableResult
    func add(_ host: UTPHost, _ link: UTPLink) -> UTPHost {
        hosts[host.endpoint] = host
        links[host.endpoint] = link
        return host
    }

    /// A connection from one to the other.
    func dial(_ host: UTPHost, _ other: UTPHost, largestDatagram: Int? = nil) -> UTPConnectionID? {
        let id = host.multiplexer.connect(
            to: other.endpoint,
            largestDatagram: largestDatagram,
            now: host.local(now)
        )
        guard let id else { return nil }
        host.streams[id] = UTPHost.Stream()
        send(host)
        return id
    }

    func send(_ host: UTPHost) {
        for (destination, bytes) in host.flush(now) {
            post(bytes, from: host.endpoint, to: destination)
        }
    }

    func post(_ bytes: [UInt8], from source: Endpoint, to destination: Endpoint) {
        for time in links[source]?.arrivals(bytes.count, now: now, random: &random) ?? [] {
            insert(Flight(time: time, order: order, destination: destination, source: source, bytes: bytes))
            order += 1
        }
    }

    private func insert(_ flight: Flight) {
        var low = 0
        var high = flights.count
        while low < high {
            let middle = (low + high) / 2
            if flights[middle] < flight { high = middle } else { low = middle + 1 }
        }
        flights.insert(flight, at: low)
    }

    /// The next thing that happens; false where nothing more does before `limit`.
    func step(until limit: Int64) -> Bool {
        let wakes = hosts.values.compactMap { host in host.multiplexer.wake.map { $0.microseconds - host.clock } }
        let next = [flights.last?.time, wakes.min()].compactMap { $0 }.min()
        guard let next, next <= limit else {
            now = limit
            return false
        }
        now = max(now, next)
        while let flight = flights.last, flight.time <= now {
            flights.removeLast()
            delivered += 1
            guard let host = hosts[flight.destination] else { continue }
            host.receive(flight.bytes, from: flight.source, now: now)
        }
        for host in hosts.values.sorted(by: { $0.endpoint.port < $1.endpoint.port }) { send(host) }
        return true
    }

    /// Runs until `isDone` or for so many microseconds.
    func run(for duration: Int64, until isDone: () -> Bool = { false }) {
        let limit = now + duration
        while !isDone(), step(until: limit) {}
    }
}
