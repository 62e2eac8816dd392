// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Wire

/// A host's uTP connections: what ``UTPMultiplexer`` decides, done with the host's line and clock. Decides nothing.
///
/// Whoever dials sends, gets, and closes when both are through; whoever was dialled closes when it hears of that.
final class UTPProgram: Program {
    let host: Host
    private var multiplexer: UTPMultiplexer
    private var output = UTPOutput()
    private var random: RandomStream
    private(set) var transfers: [UTPConnectionID: UTPTransfer] = [:]
    /// Whole datagrams that are larger vanish; ordinary packets go in fragments.
    private let widestPath: Int
    /// Whether the system says so, instead.
    private let isRefused: Bool
    /// A planted defect: what came early is handed on the wrong way round.
    private let confuses: Bool

    init(on host: Host, confuses: Bool, random: inout RandomStream) {
        self.host = host
        self.confuses = confuses
        self.random = host.world.stream("utp program", Int(truncatingIfNeeded: random.next()))
        multiplexer = UTPMultiplexer(seed: random.next())
        widestPath = [600, 1000, 1400, 1472][random.below(4)]
        isRefused = random.below(2) == 0
    }

    private var now: UTPInstant { UTPInstant(microseconds: host.now.inNanoseconds / 1000) }
    /// In the order of their making, which no hash table changes.
    var open: [UTPConnectionID] { transfers.keys.sorted { $0.slot < $1.slot } }
    var count: Int { multiplexer.count }

    // MARK: - Events

    func receive(_ datagram: [UInt8], from source: Endpoint) {
        multiplexer.receive(datagram.span, from: source, now: now, into: &output)
        let events = output.events
        output.events.removeAll()
        for event in events { take(event, datagram) }
        turn()
    }

    func wake() {
        multiplexer.tick(now: now, into: &output)
        turn()
    }

    /// What must hold: whoever has connections has a timer planned, and no queue is above its bound.
    func touched() {
        if count > 0, !host.hasWake {
            host.world.violate(.timerIsSet, "\(count) connections and nothing planned", host: host)
        }
        for queue in multiplexer.queues where queue.used > queue.bound {
            host.world.violate(.queuesAreBounded, "\(queue.name): \(queue.used) of \(queue.bound)", host: host)
        }
    }

    /// Dials, and sends so many bytes.
    func dial(_ endpoint: Endpoint, length: Int) {
        guard let id = multiplexer.connect(to: endpoint, now: now) else { return }
        begin(id, length: length, isDialled: true)
        turn()
    }

    private func begin(_ id: UTPConnectionID, length: Int, isDialled: Bool) {
        let transfer = UTPTransfer(key: random.next(), length: length, isDialled: isDialled, now: host.world.now)
        transfers[id] = transfer
        multiplexer.write(id, count: transfer.length)
    }

    private func turn() {
        repeat {
            multiplexer.flush(now: now, into: &output)
            let output = output
            self.output.removeAll()
            for packet in output.packets { send(packet, output.headers[packet.header]) }
            for reply in output.replies { host.send(reply.bytes, to: reply.destination) }
            for event in output.events { take(event, []) }
        } while multiplexer.needsFlush
        if let wake = multiplexer.wake { host.wake(at: .microseconds(wake.microseconds)) }
    }

    private func send(_ packet: UTPOutput.Packet, _ header: ArraySlice<UInt8>) {
        guard let destination = multiplexer.endpoint(of: packet.connection) else { return }
        if packet.isProbe, packet.size > widestPath {
            if isRefused { multiplexer.refusedProbe(packet.connection, size: packet.size) }
            return
        }
        let payload = transfers[packet.connection]?.bytes(packet.offset, packet.count) ?? []
        host.send(header + payload, to: destination)
    }

    private func take(_ event: UTPEvent, _ datagram: [UInt8]) {
        let time = host.world.now
        switch event {
        case .connected(let id): transfers[id]?.lastProgress = time
        case .accepted(let id, _): begin(id, length: 1 + random.below(60_000), isDialled: false)
        case .received(let id, let range): deliver(datagram[range], id)
        case .held(let id, let key, let range): transfers[id]?.held[key] = Array(datagram[range])
        case .released(let id, let first, let count):
            let keys = (0..<UInt16(clamping: count)).map { first &+ $0 }
            for key in confuses ? keys.reversed() : keys {
                deliver((transfers[id]?.held.removeValue(forKey: key) ?? [])[...], id)
            }
        case .arrived(let id, let before):
            transfers[id]?.arrived = before
            transfers[id]?.lastProgress = time
            closeIfWhole(id)
        case .finished(let id, _):
            if let transfer = transfers[id], !transfer.isClosed, Int64(transfer.otherLength ?? 0) > transfer.received {
                host.world.violate(.streamIsTrue, "it ends after \(transfer.received) bytes", host: host)
            }
            close(id)
        case .ended(let id, let ending):
            let transfer = transfers.removeValue(forKey: id)
            onEnd?(transfer, ending)
        }
    }

    var onEnd: ((UTPTransfer?, UTPEnding) -> Void)?

    private func deliver(_ bytes: ArraySlice<UInt8>, _ id: UTPConnectionID) {
        guard transfers[id]?.take(bytes, now: host.world.now) == false else { return closeIfWhole(id) }
        host.world.violate(.streamIsTrue, "not what was sent at \(transfers[id]?.received ?? 0)", host: host)
    }

    private func closeIfWhole(_ id: UTPConnectionID) {
        if let transfer = transfers[id], transfer.isDialled, transfer.isWhole { close(id) }
    }

    private func close(_ id: UTPConnectionID) {
        guard transfers[id]?.isClosed == false else { return }
        transfers[id]?.isClosed = true
        multiplexer.close(id, now: now)
    }
}
