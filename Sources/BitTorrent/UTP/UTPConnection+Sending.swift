// SPDX-License-Identifier: Apache-2.0

extension UTPConnection {
    /// libtorrent keeps so many packets in order for each byte of its window (as of 2.1), whatever their size; a sender that
    /// has more small ones under way loses them.
    private static let bytesPerPacketOfWindow = 1100
    private static let fewestPackets = 16

    /// Sends what the windows admit, and the acknowledgement that is due.
    mutating func flush(configuration: UTPConfiguration, now: UTPInstant, into output: inout UTPOutput) {
        let before = output.packets.count
        switch state {
        case .synSent: if acksNow || sending.lostCount > 0 { sendSyn(now, &output) }
        case .synReceived: if acksNow { sendState(now, &output) }
        case .open, .closing:
            adaptWindow(configuration)
            repeatLost(now, &output)
            sendNew(now, &output)
            if state == .closing, unsent == 0, !finSent { sendFin(now, &output) }
            // Packets of data tell what has arrived, but not what is missing.
            if acksNow, output.packets.count == before || receiving.heldCount > 0 { sendState(now, &output) }
        case .gone: break
        }
        if output.packets.count > before {
            acksNow = false
            unacknowledged = 0
            ackDeadline = nil
            toldWindow = receiving.window
            lastSent = now
        }
        forcesOne = false
    }

    /// On a long path more must be under way for the same rate.
    private mutating func adaptWindow(_ configuration: UTPConfiguration) {
        guard receiving.capacity < configuration.longReceiveWindow, let mean = roundTrip.mean, mean >= 10_000 else {
            return
        }
        receiving.capacity = configuration.longReceiveWindow
    }

    private var packetLimit: Int {
        min(UTPSendQueue.maximumPackets, max(Self.fewestPackets, peerWindow / Self.bytesPerPacketOfWindow))
    }

    private func admits(_ count: Int, within window: Int) -> Bool {
        forcesOne || sending.flight + count <= window
    }

    private mutating func repeatLost(_ now: UTPInstant, _ output: inout UTPOutput) {
        while let count = sending.nextLostCount {
            // What was lost has its place in the other side's window; only the path limits it.
            guard admits(count, within: max(congestion.window, count)) else { return }
            guard let (sequence, packet) = sending.retransmit(now: now) else { return }
            forcesOne = false
            emit(packet.isFin ? .fin : .data, sequence, packet.offset, Int(packet.count), isProbe: false, now, &output)
        }
    }

    private mutating func sendNew(_ now: UTPInstant, _ output: inout UTPOutput) {
        while unsent > 0, sending.count < packetLimit || forcesOne {
            let window = min(congestion.window, peerWindow)
            let ordinary = Int(min(unsent, Int64(packetBytes)))
            guard admits(ordinary, within: window) else { return }
            let probe = probeBytes(window)
            let count = probe ?? ordinary
            forcesOne = false
            if probe != nil { pathMTU.probeSent() }
            let sequence = sending.append(
                offset: nextOffset,
                count: count,
                isProbe: probe != nil,
                isFin: false,
                now: now
            )
            emit(.data, sequence, nextOffset, count, isProbe: probe != nil, now, &output)
            if sending.count == 1 { timerStart = now }
            nextOffset += Int64(count)
        }
    }

    /// A packet that probes the path needs others around it: a loss among arrivals is its size, a loss of all is not.
    private func probeBytes(_ window: Int) -> Int? {
        guard sending.count >= 2, timeouts == 0, sending.lostCount == 0, let size = pathMTU.nextProbe else {
            return nil
        }
        let count = size - UTPSpecification.headerByteCount
        guard unsent >= Int64(count + 3 * packetBytes), sending.flight + count <= window else { return nil }
        return count
    }

    private mutating func sendFin(_ now: UTPInstant, _ output: inout UTPOutput) {
        finSent = true
        let sequence = sending.append(offset: nextOffset, count: 0, isProbe: false, isFin: true, now: now)
        if sending.count == 1 { timerStart = now }
        emit(.fin, sequence, nextOffset, 0, isProbe: false, now, &output)
    }

    private mutating func sendSyn(_ now: UTPInstant, _ output: inout UTPOutput) {
        if sending.lostCount > 0 { _ = sending.retransmit(now: now) }
        emit(.syn, sending.start, 0, 0, isProbe: false, now, &output)
    }

    private mutating func sendState(_ now: UTPInstant, _ output: inout UTPOutput) {
        // The end keeps its number: libtorrent takes nothing that is numbered behind it.
        let sequence = finSent ? sending.nextSequence &- 1 : sending.nextSequence
        emit(.state, sequence, nextOffset, 0, isProbe: false, now, &output)
    }

    private func emit(
        _ type: UTPPacketType,
        _ sequence: UInt16,
        _ offset: Int64,
        _ count: Int,
        isProbe: Bool,
        _ now: UTPInstant,
        _ output: inout UTPOutput
    ) {
        let start = output.headers.count
        let header = UTPHeader(
            type: type,
            connectionID: type == .syn ? receiveID : sendID,
            timestamp: now.wire,
            timestampDifference: replyMicroseconds,
            window: UInt32(clamping: receiving.window),
            sequence: sequence,
            acknowledged: type == .syn ? 0 : receiving.acknowledged
        )
        switch type {
        case .state where receiving.heldCount > 0:
            header.encode(into: &output.headers, firstExtension: UTPExtension.selectiveAck)
            output.headers.append(0)
            output.headers.append(0)
            let mask = receiving.appendMask(to: &output.headers)
            output.headers[start + UTPSpecification.headerByteCount + 1] = UInt8(clamping: mask)
        case .fin where closeReason != 0:
            header.encode(into: &output.headers, firstExtension: UTPExtension.closeReason)
            output.headers += [0, 4, 0, 0, UInt8(closeReason >> 8), UInt8(closeReason & 0xFF)]
        default: header.encode(into: &output.headers)
        }
        let range = start..<output.headers.count
        output.packets.append(
            UTPOutput.Packet(connection: id, header: range, offset: offset, count: count, isProbe: isProbe)
        )
    }

    /// A packet that ends the connection at once, for all that it may still be known.
    func appendReset(now: UTPInstant, into output: inout UTPOutput) {
        let header = UTPHeader(
            type: .reset,
            connectionID: sendID,
            timestamp: now.wire,
            sequence: sending.nextSequence,
            acknowledged: receiving.acknowledged
        )
        var bytes: [UInt8] = []
        header.encode(into: &bytes)
        output.replies.append(UTPOutput.Reply(destination: endpoint, bytes: bytes))
    }
}
