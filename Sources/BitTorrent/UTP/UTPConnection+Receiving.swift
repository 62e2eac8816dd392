// SPDX-License-Identifier: Apache-2.0

extension UTPConnection {
    /// An acknowledgement may be so far behind the newest one and its packet still be a late one.
    private static let oldestAck = 1024

    /// A packet for this connection. `room`: bytes that all connections together may still hold.
    ///
    /// - Returns: bytes by which what is held has grown or shrunk.
    mutating func receive(
        _ packet: UTPPacket,
        in bytes: Span<UInt8>,
        room: Int,
        configuration: UTPConfiguration,
        now: UTPInstant,
        into events: inout [UTPEvent]
    ) -> Int {
        let header = packet.header
        guard !isGone else { return 0 }
        if header.type == .syn {
            // Our answer was lost. Anything else by that name is stale.
            if state == .synReceived, header.sequence == receiving.acknowledged { acksNow = true }
            return 0
        }
        guard isPlausible(header) else { return 0 }
        if header.type == .reset {
            state = .gone(.reset)
            return 0
        }
        silences = 0
        if state == .synSent, !open(by: header, into: &events) { return 0 }
        if state == .synReceived {
            state = .open
            events.append(.accepted(id, endpoint))
        }
        measure(header, now)
        peerWindow = Int(header.window)
        if let reason = packet.closeReason { peerReason = reason }
        acknowledge(packet, in: bytes, now: now, into: &events)
        let before = receiving.heldBytes
        take(packet, room: room, configuration: configuration, now: now, into: &events)
        return receiving.heldBytes - before
    }

    /// Whether it could be the other side's: it acknowledges nothing that was not sent, and nothing long past.
    private func isPlausible(_ header: UTPHeader) -> Bool {
        let distance = Int(Int16(bitPattern: header.acknowledged &- sending.acknowledged))
        // Who knows nothing of us acknowledges the number of the packet that it refuses, and a packet without payload has
        // the next one.
        let ahead = sending.count + (header.type == .reset ? 1 : 0)
        guard distance <= ahead, distance >= -Self.oldestAck else { return false }
        switch state {
        case .synSent: return distance >= 1 || header.type == .reset && distance >= 0
        case .synReceived: return distance == 0 || header.type == .reset && distance >= 0
        default: return header.type != .reset || distance >= 0
        }
    }

    /// The answer to our first packet. It carries the number that the first packet of data will have: libutp and libtorrent
    /// read BEP 29 so, though its diagram takes a number for the answer itself.
    private mutating func open(by header: UTPHeader, into events: inout [UTPEvent]) -> Bool {
        guard header.type == .state || header.type == .data else { return false }
        receiving = UTPReceiveQueue(expected: header.sequence, capacity: receiving.capacity)
        state = .open
        events.append(.connected(id))
        return true
    }

    // MARK: Delays

    private mutating func measure(_ header: UTPHeader, _ now: UTPInstant) {
        guard header.timestamp != 0 else { return }
        replyMicroseconds = now.wire &- header.timestamp
        let before = theirDelay.base
        _ = theirDelay.add(replyMicroseconds, now: now)
        // A delay that sinks below all that were known is a clock that runs away from ours; then our own base delay, which is
        // of the same two clocks, rises by as much. A large step has another reason.
        if let before, let after = theirDelay.base, theirDelay.isSettled {
            let drift = UTPDelayHistory.distance(from: after, to: before)
            if drift > 0, drift < 10_000 { ourDelay.shift(by: drift) }
        }
    }

    // MARK: What we sent

    private mutating func acknowledge(
        _ packet: UTPPacket,
        in bytes: Span<UInt8>,
        now: UTPInstant,
        into events: inout [UTPEvent]
    ) {
        let flight = sending.flight
        let isRepeated = packet.header.acknowledged == sending.acknowledged
        let wasOutstanding = !sending.isEmpty
        let outcome = sending.acknowledge(
            packet.header.acknowledged,
            mask: bytes.extracting(packet.selectiveAck ?? 0..<0),
            now: now,
            shortest: roundTrip.smallest
        )
        if outcome.packets > 0 {
            progressed(outcome, flight: flight, header: packet.header, now: now)
            events.append(.arrived(id, before: sending.firstOffset ?? nextOffset))
        }
        countDuplicate(packet, isRepeated && wasOutstanding && outcome.packets == 0)
        var losses = sending.detectLosses(now: now, limit: roundTrip.reorderingLimit)
        if duplicateAcks == UTPSpecification.duplicateLimit, losses.packets == 0 { losses = sending.loseFirst() }
        lost(losses, now: now)
    }

    private mutating func progressed(
        _ outcome: UTPSendQueue.Outcome,
        flight: Int,
        header: UTPHeader,
        now: UTPInstant
    ) {
        if let sample = outcome.roundTrip { roundTrip.add(sample) }
        if let size = outcome.probe { pathMTU.probePassed(size) }
        if outcome.finArrived { finArrived = true }
        duplicateAcks = 0
        timeouts = 0
        probed = false
        timerStart = now
        congestion.acknowledged(
            outcome.bytes,
            flight: flight,
            delay: queueDelay(header, now),
            shortest: roundTrip.smallest,
            roundTrip: roundTrip.mean ?? UTPSpecification.initialTimeout,
            packet: packetBytes,
            now: now
        )
    }

    /// Microseconds that our packets wait on the way, or nil where the other side has not measured.
    private mutating func queueDelay(_ header: UTPHeader, _ now: UTPInstant) -> Int64? {
        let sample = header.timestampDifference
        // Zero is no measurement; old uTorrents send 2³¹−1 for the same.
        guard sample != 0, sample != UInt32(Int32.max) else { return nil }
        let delay = ourDelay.add(sample, now: now)
        // It cannot be longer than the round trip that it is part of.
        return roundTrip.mean == nil ? delay : min(delay, roundTrip.latest)
    }

    private mutating func countDuplicate(_ packet: UTPPacket, _ isDuplicate: Bool) {
        // Data comes in a stream of its own and repeats acknowledgements for other reasons.
        if isDuplicate, packet.header.type == .state, packet.selectiveAck == nil { duplicateAcks += 1 }
    }

    mutating func lost(_ losses: UTPSendQueue.Losses, now: UTPInstant) {
        lossDeadline = losses.next
        if let size = losses.probe { pathMTU.probeLost(size) }
        guard losses.lastNumber > recoveryEnd else { return }
        // One reduction for all that was under way when the first loss was seen.
        recoveryEnd = sending.transmissions - 1
        congestion.lost(packet: packetBytes, shortest: roundTrip.smallest, now: now)
    }

    // MARK: What they sent

    private mutating func take(
        _ packet: UTPPacket,
        room: Int,
        configuration: UTPConfiguration,
        now: UTPInstant,
        into events: inout [UTPEvent]
    ) {
        switch packet.header.type {
        case .data where !packet.payload.isEmpty:
            receive(packet, room: room, configuration: configuration, now: now, into: &events)
        case .fin:
            receiving.receiveEnd(packet.header.sequence)
            acksNow = true
        default: break
        }
        guard receiving.isFinished, !finishReported else { return }
        finishReported = true
        events.append(.finished(id, reason: peerReason))
    }

    private mutating func receive(
        _ packet: UTPPacket,
        room: Int,
        configuration: UTPConfiguration,
        now: UTPInstant,
        into events: inout [UTPEvent]
    ) {
        let sequence = packet.header.sequence
        let hadHoles = receiving.heldCount > 0
        // Nobody reads any more: what comes is acknowledged, so that the other side can end.
        let isRead = state == .open
        switch receiving.receive(sequence, count: packet.payload.count, room: isRead ? room : 0) {
        case .next(let held):
            if isRead {
                events.append(.received(id, packet.payload))
                if held > 0 { events.append(.released(id, first: sequence &+ 1, count: held)) }
            }
            owe(hadHoles, configuration, now)
        case .held(let key):
            events.append(.held(id, key: key, packet.payload))
            acksNow = true
        case .duplicate, .refused: acksNow = true
        }
    }

    /// An acknowledgement is due: at once for every second packet and where something was missing.
    private mutating func owe(_ isUrgent: Bool, _ configuration: UTPConfiguration, _ now: UTPInstant) {
        unacknowledged += 1
        if isUrgent || unacknowledged >= 2 {
            acksNow = true
        } else if ackDeadline == nil {
            ackDeadline = now + configuration.acknowledgementDelay
        }
    }
}
