// SPDX-License-Identifier: Apache-2.0

extension UTPConnection {
    /// When time by itself changes something; nil for never.
    func nextWake(configuration: UTPConfiguration) -> UTPInstant? {
        guard !isGone else { return nil }
        var wake = lastSent + configuration.keepAlive
        if let ackDeadline { wake = min(wake, ackDeadline) }
        if let lossDeadline { wake = min(wake, lossDeadline) }
        if let closeDeadline { wake = min(wake, closeDeadline) }
        if state == .synReceived { wake = min(wake, opened + configuration.lingering) }
        if let retransmission { wake = min(wake, retransmission) }
        return wake
    }

    /// When to stop waiting for acknowledgements.
    private var retransmission: UTPInstant? {
        guard state != .synReceived else { return nil }
        if sending.isEmpty {
            // A shut window: its opening may have been lost.
            return unsent > 0 ? max(timerStart, lastSent) + backedOff(roundTrip.timeout) : nil
        }
        if !probed, timeouts == 0, state != .synSent, sending.flight > 0 {
            return max(timerStart, sending.lastSent) + roundTrip.probeTimeout + (sending.count <= 2 ? 25_000 : 0)
        }
        return max(timerStart, sending.lastSent) + backedOff(roundTrip.timeout)
    }

    /// Twice as long with each time that nothing came, a minute at most.
    private func backedOff(_ timeout: Int64) -> Int64 { min(timeout << Int64(min(timeouts, 6)), 60_000_000) }

    /// Time has passed.
    ///
    /// - Returns: whether something is to be sent.
    mutating func tick(configuration: UTPConfiguration, now: UTPInstant) -> Bool {
        if let closeDeadline, closeDeadline <= now {
            state = .gone(.timedOut)
            return false
        }
        if state == .synReceived, opened + configuration.lingering <= now {
            state = .gone(.timedOut)
            return false
        }
        var isDue = false
        if let ackDeadline, ackDeadline <= now {
            acksNow = true
            isDue = true
        }
        if let lossDeadline, lossDeadline <= now {
            lost(sending.detectLosses(now: now, limit: roundTrip.reorderingLimit), now: now)
            isDue = true
        }
        if let retransmission, retransmission <= now {
            timedOut(configuration, now)
            isDue = true
        }
        if !isGone, lastSent + configuration.keepAlive <= now, state != .synSent {
            acksNow = true
            isDue = true
        }
        return isDue
    }

    private mutating func timedOut(_ configuration: UTPConfiguration, _ now: UTPInstant) {
        forcesOne = true
        timerStart = now
        if !probed, timeouts == 0, state != .synSent, sending.flight > 0 {
            probed = true
            sending.repeatLast()
            return
        }
        timeouts += 1
        silences += 1
        guard silences <= (state == .synSent ? configuration.synRepetitions : configuration.repetitions) else {
            state = .gone(.timedOut)
            return
        }
        // A narrower path, or one where our measurements no longer hold.
        if timeouts == 2 {
            pathMTU.startAnew()
            ourDelay.reset()
        }
        guard !sending.isEmpty else { return }
        if let size = sending.loseAll().probe { pathMTU.probeLost(size) }
        recoveryEnd = sending.transmissions - 1
        lossDeadline = nil
        congestion.timedOut(packet: packetBytes)
    }
}
