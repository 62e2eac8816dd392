// SPDX-License-Identifier: Apache-2.0
internal import DequeModule

/// What was sent and not yet acknowledged, and what of it is lost.
///
/// Packets are counted from zero; the 16 bits on the wire are the low ones of that count plus a start. Bytes are named by their
/// offset in the stream: their owner keeps them. At most ``maximumPackets`` packets of 40 bytes.
///
/// Each transmission has a number of its own, as in RFC 9002: a packet is lost when another that was transmitted three later,
/// or long enough later, has arrived. For first transmissions this is BEP 29's rule, and it finds lost retransmissions too.
struct UTPSendQueue: Sendable {
    /// Far below half of the sequence space, within which wire numbers are unambiguous.
    static let maximumPackets = 16_000

    struct Packet: Sendable {
        var offset: Int64
        var count: Int32
        var transmissions: UInt8 = 0
        var state = State.underWay
        var isProbe = false
        var isFin = false
        /// Of its last transmission.
        var number: Int64 = 0
        var sent = UTPInstant(microseconds: 0)
    }

    enum State: UInt8, Sendable {
        case underWay, lost, arrived
    }

    /// What an acknowledgement changed.
    struct Outcome {
        /// Bytes of payload that have newly arrived.
        var bytes = 0
        var packets = 0
        /// Microseconds since the transmission of the latest packet that was sent only once, if nothing that was sent
        /// after it had to be repeated to learn of it.
        var roundTrip: Int64?
        /// Bytes of datagram of a probe that arrived.
        var probe: Int?
        var finArrived = false
    }

    /// The round trip that one acknowledgement shows.
    ///
    /// What a repetition had to bring about says nothing of those before it: they may have arrived long ago, and their
    /// acknowledgement was lost (RFC 6298 §3 leaves that case open; Linux takes no sample from it either).
    private struct Sample {
        private var number: Int64 = -1
        private var time: Int64 = 0
        /// The last repetition that it acknowledges.
        var repeated: Int64 = -1

        mutating func add(_ time: Int64, of number: Int64) {
            if number >= self.number { (self.number, self.time) = (number, time) }
        }

        var roundTrip: Int64? { number > repeated ? time : nil }
    }

    private var packets: Deque<Packet> = []
    /// The count of the first packet in `packets`.
    private(set) var first: Int64 = 0
    /// The wire number of packet 0.
    let start: UInt16
    private var nextNumber: Int64 = 0
    private var largestArrived: Int64 = -1
    /// Bytes of payload under way.
    private(set) var flight = 0
    private(set) var lostCount = 0
    private var lostHint: Int64 = 0
    /// No packet from here on has arrived.
    private var arrivedEnd: Int64 = 0
    /// When a packet was last sent.
    private(set) var lastSent = UTPInstant(microseconds: 0)

    init(start: UInt16) {
        self.start = start
    }

    var isEmpty: Bool { packets.isEmpty }
    var count: Int { packets.count }
    var isFull: Bool { packets.count >= Self.maximumPackets }
    /// The wire number of the packet to be sent next.
    var nextSequence: UInt16 { wire(first + Int64(packets.count)) }
    /// The wire number of the last packet that was acknowledged with all before it.
    var acknowledged: UInt16 { wire(first - 1) }
    /// The number of the next transmission: everything before it has been sent.
    var transmissions: Int64 { nextNumber }
    /// The offset before which everything has been acknowledged; nil where nothing is outstanding.
    var firstOffset: Int64? { packets.first?.offset }

    private func wire(_ index: Int64) -> UInt16 { start &+ UInt16(truncatingIfNeeded: index) }

    // MARK: Sending

    /// - Returns: the wire number.
    mutating func append(offset: Int64, count: Int, isProbe: Bool, isFin: Bool, now: UTPInstant) -> UInt16 {
        let sequence = nextSequence
        var packet = Packet(offset: offset, count: Int32(clamping: count))
        packet.isProbe = isProbe
        packet.isFin = isFin
        transmitted(&packet, now)
        packets.append(packet)
        return sequence
    }

    private mutating func transmitted(_ packet: inout Packet, _ now: UTPInstant) {
        packet.state = .underWay
        packet.transmissions = min(packet.transmissions + 1, 200)
        packet.number = nextNumber
        packet.sent = now
        nextNumber += 1
        flight += Int(packet.count)
        lastSent = now
    }

    /// The first lost packet, which counts as sent again from now on.
    mutating func retransmit(now: UTPInstant) -> (sequence: UInt16, packet: Packet)? {
        guard lostCount > 0 else { return nil }
        var position = Int(max(0, lostHint - first))
        while position < packets.count, packets[position].state != .lost { position += 1 }
        guard position < packets.count else {
            lostCount = 0
            return nil
        }
        lostHint = first + Int64(position) + 1
        lostCount -= 1
        let before = packets[position]
        var again = before
        transmitted(&again, now)
        again.isProbe = false
        packets[position] = again
        return (wire(first + Int64(position)), before)
    }

    /// The size of the packet that ``retransmit(now:)`` would give.
    var nextLostCount: Int? {
        guard lostCount > 0 else { return nil }
        return packets.dropFirst(Int(max(0, lostHint - first))).first { $0.state == .lost }.map { Int($0.count) }
    }

    // MARK: Arriving

    /// Everything up to and with `wire` has arrived, and what the mask shows.
    mutating func acknowledge(_ wire: UInt16, mask: Span<UInt8>, now: UTPInstant, shortest: Int64) -> Outcome {
        var outcome = Outcome()
        var sample = Sample()
        let distance = Int(Int16(bitPattern: wire &- acknowledged))
        var left = max(0, distance)
        while left > 0, let packet = packets.popFirst() {
            arrived(packet, &outcome, &sample, now, shortest)
            first += 1
            left -= 1
        }
        if !mask.isEmpty, distance >= 0 { acknowledge(mask, &outcome, &sample, now, shortest) }
        while let packet = packets.first, packet.state == .arrived {
            packets.removeFirst()
            first += 1
        }
        outcome.roundTrip = sample.roundTrip
        return outcome
    }

    private mutating func acknowledge(
        _ mask: Span<UInt8>,
        _ outcome: inout Outcome,
        _ sample: inout Sample,
        _ now: UTPInstant,
        _ shortest: Int64
    ) {
        for byte in mask.indices where mask[byte] != 0 {
            var bits = mask[byte]
            while bits != 0 {
                let position = 1 + byte * 8 + bits.trailingZeroBitCount
                bits &= bits - 1
                guard position < packets.count else { return }
                guard packets[position].state != .arrived else { continue }
                arrived(packets[position], &outcome, &sample, now, shortest)
                packets[position].state = .arrived
                arrivedEnd = max(arrivedEnd, first + Int64(position) + 1)
            }
        }
    }

    private mutating func arrived(
        _ packet: Packet,
        _ outcome: inout Outcome,
        _ sample: inout Sample,
        _ now: UTPInstant,
        _ shortest: Int64
    ) {
        switch packet.state {
        case .arrived: return
        case .underWay: flight -= Int(packet.count)
        case .lost: lostCount -= 1
        }
        outcome.bytes += Int(packet.count)
        outcome.packets += 1
        if packet.isFin { outcome.finArrived = true }
        if packet.isProbe { outcome.probe = Int(packet.count) + UTPSpecification.headerByteCount }
        let elapsed = now - packet.sent
        if packet.transmissions == 1 {
            // What was given up may have lain at the other side since long before: no sample (RFC 6298 §3).
            if packet.state == .underWay { sample.add(elapsed, of: packet.number) }
        } else if shortest != .max, elapsed < shortest / 2 {
            // Too soon for the repetition: the first one has arrived, and says nothing about what was sent since
            // (RFC 8985 §6.2).
            return
        } else {
            sample.repeated = max(sample.repeated, packet.number)
        }
        largestArrived = max(largestArrived, packet.number)
    }

    // MARK: Losing

    /// What was found to be lost.
    struct Losses {
        var packets = 0
        /// The number of the last transmission of ordinary packets that was lost.
        var lastNumber: Int64 = -1
        /// Bytes of datagram of a probe.
        var probe: Int?
        /// When the next packet is lost if nothing comes for it.
        var next: UTPInstant?
    }

    /// Marks what is lost by what has arrived. `limit`: microseconds after which an earlier packet is given up.
    mutating func detectLosses(now: UTPInstant, limit: Int64) -> Losses {
        var losses = Losses()
        guard largestArrived >= 0 else { return losses }
        var position = 0
        while position < packets.count {
            let packet = packets[position]
            if packet.state == .underWay, packet.number < largestArrived {
                let deadline = packet.sent + limit
                if largestArrived - packet.number >= Int64(UTPSpecification.duplicateLimit) || deadline <= now {
                    lose(position, &losses)
                } else {
                    losses.next = min(losses.next ?? deadline, deadline)
                }
            } else if packet.transmissions == 1, packet.number > largestArrived {
                // Transmitted once, and so in order: nothing from here on was sent before what has arrived.
                break
            }
            position += 1
        }
        return losses
    }

    private mutating func lose(_ position: Int, _ losses: inout Losses) {
        let packet = packets[position]
        packets[position].state = .lost
        flight -= Int(packet.count)
        lostCount += 1
        lostHint = min(lostHint, first + Int64(position))
        losses.packets += 1
        if packet.isProbe {
            losses.probe = Int(packet.count) + UTPSpecification.headerByteCount
            packets[position].isProbe = false
        } else {
            losses.lastNumber = max(losses.lastNumber, packet.number)
        }
    }

    /// Three acknowledgements of the same packet without a mask: the next one is lost (BEP 29 "packet loss").
    mutating func loseFirst() -> Losses {
        var losses = Losses()
        if let packet = packets.first, packet.state == .underWay, packet.transmissions == 1 { lose(0, &losses) }
        return losses
    }

    /// A timeout: everything that has not arrived is lost.
    mutating func loseAll() -> Losses {
        var losses = Losses()
        for position in packets.indices where packets[position].state == .underWay { lose(position, &losses) }
        return losses
    }

    /// The system refused to send this probe: it goes again at once, in fragments.
    mutating func loseProbe() {
        var losses = Losses()
        for position in packets.indices where packets[position].isProbe { lose(position, &losses) }
    }

    /// Makes the last packet due again, to ask what has become of it.
    mutating func repeatLast() {
        var losses = Losses()
        let last = packets.lastIndex { $0.state == .underWay }
        if let last, lostCount == 0 { lose(last, &losses) }
    }
}
