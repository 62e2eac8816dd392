// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// One uTP connection (BEP 29), without its bytes: it knows offsets of what is sent and ranges of what comes.
///
///     dialled:  synSent ──answer──▶ open ──close──▶ closing ──all acknowledged──▶ gone
///     accepted: synReceived ──confirmed──▶ open
///     any: reset, too many timeouts ──▶ gone
///
/// What the other side sends is believed only where it acknowledges nothing that was not sent. Memory: 300 bytes, 40 for a
/// packet under way, 16 KiB for marks once a packet came early.
struct UTPConnection: Sendable {
    enum State: Equatable, Sendable {
        case synSent
        case synReceived
        case open
        /// We have closed: what is left is sent, then the end.
        case closing
        case gone(UTPEnding)
    }

    let id: UTPConnectionID
    let endpoint: Endpoint
    /// The number in packets that are for us, and in those that we send.
    let receiveID: UInt16
    let sendID: UInt16
    let opened: UTPInstant

    var state: State
    var sending: UTPSendQueue
    var receiving: UTPReceiveQueue
    var congestion: UTPCongestion
    var roundTrip = UTPRoundTrip()
    var pathMTU: UTPPathMTU

    // What is to be sent: everything from `nextOffset` to `endOffset`.
    var nextOffset: Int64 = 0
    var endOffset: Int64 = 0
    var closeReason: UInt16 = 0
    var finSent = false
    var finArrived = false

    // The other side.
    var peerWindow = Int(UInt16.max)
    var peerReason: UInt16 = 0
    var finishReported = false
    var duplicateAcks = 0

    // Delays: of what we send, as the other side sees it, and of what it sends.
    var ourDelay = UTPDelayHistory()
    var theirDelay = UTPDelayHistory()
    var replyMicroseconds: UInt32 = 0
    /// Losses of transmissions before this number belong to one event, which has been answered.
    var recoveryEnd: Int64 = -1

    // Acknowledgements that we owe.
    var unacknowledged = 0
    var acksNow = false
    var ackDeadline: UTPInstant?
    /// The window that was last told.
    var toldWindow = 0

    // Time.
    /// In sequence, without progress: each doubles the next.
    var timeouts = 0
    /// In sequence, without a word: after some the connection is given up.
    var silences = 0
    /// The last packet was repeated to learn what became of it.
    var probed = false
    var timerStart: UTPInstant
    var lossDeadline: UTPInstant?
    var lastSent: UTPInstant
    var closeDeadline: UTPInstant?
    /// A packet may be sent whatever the windows say.
    var forcesOne = false
    /// In the multiplexer's list of connections that have something to send.
    var isDirty = false

    init(
        dialling endpoint: Endpoint,
        id: UTPConnectionID,
        receiveID: UInt16,
        sequence: UInt16,
        largestDatagram: Int,
        configuration: UTPConfiguration,
        now: UTPInstant
    ) {
        self.init(
            id,
            endpoint,
            receiveID,
            receiveID &+ 1,
            .synSent,
            sequence,
            0,
            largestDatagram,
            configuration,
            now
        )
        // The first packet takes a number (BEP 29 "connection setup").
        _ = sending.append(offset: 0, count: 0, isProbe: false, isFin: false, now: now)
        acksNow = true
    }

    init(
        accepting header: UTPHeader,
        from endpoint: Endpoint,
        id: UTPConnectionID,
        sequence: UInt16,
        largestDatagram: Int,
        configuration: UTPConfiguration,
        now: UTPInstant
    ) {
        let receiveID = header.connectionID &+ 1
        self.init(
            id,
            endpoint,
            receiveID,
            header.connectionID,
            .synReceived,
            sequence,
            header.sequence &+ 1,
            largestDatagram,
            configuration,
            now
        )
        peerWindow = Int(header.window)
        replyMicroseconds = now.wire &- header.timestamp
        acksNow = true
    }

    private init(
        _ id: UTPConnectionID,
        _ endpoint: Endpoint,
        _ receiveID: UInt16,
        _ sendID: UInt16,
        _ state: State,
        _ sequence: UInt16,
        _ expected: UInt16,
        _ largestDatagram: Int,
        _ configuration: UTPConfiguration,
        _ now: UTPInstant
    ) {
        self.id = id
        self.endpoint = endpoint
        self.receiveID = receiveID
        self.sendID = sendID
        self.state = state
        opened = now
        sending = UTPSendQueue(start: sequence)
        receiving = UTPReceiveQueue(expected: expected, capacity: configuration.receiveWindow)
        let smallest = UTPSpecification.smallestDatagram(isV4: endpoint.address.isV4)
        pathMTU = UTPPathMTU(smallest: smallest, largest: max(smallest, largestDatagram))
        let ethernet = UTPSpecification.ethernetDatagram(isV4: endpoint.address.isV4)
        congestion = UTPCongestion(packet: ethernet - UTPSpecification.headerByteCount)
        toldWindow = configuration.receiveWindow
        timerStart = now
        lastSent = now
    }

    /// Payload of an ordinary packet.
    var packetBytes: Int { pathMTU.floor - UTPSpecification.headerByteCount }
    var unsent: Int64 { endOffset - nextOffset }
    var isGone: Bool {
        if case .gone = state { return true }
        return false
    }
    var isConfirmed: Bool { state == .open || state == .closing }

    // MARK: Commands

    /// More bytes stand behind those of the stream. Ignored once it was closed.
    mutating func write(_ count: Int) {
        guard state != .closing, !isGone else { return }
        endOffset += Int64(max(0, count))
    }

    /// Sends what is left, then the end. What still comes is acknowledged and not delivered.
    mutating func close(reason: UInt16, configuration: UTPConfiguration, now: UTPInstant) {
        switch state {
        case .open:
            state = .closing
            closeReason = reason
            closeDeadline = now + configuration.lingering
        case .synSent, .synReceived: state = .gone(.closed)
        case .closing, .gone: break
        }
    }

    /// The reader has taken so many bytes.
    mutating func consumed(_ count: Int) {
        receiving.unread = max(0, receiving.unread - count)
        // A window that was nearly shut and is open again must be told, or the other side waits for its timer.
        if toldWindow < receiving.capacity / 4, receiving.window >= receiving.capacity / 2 { acksNow = true }
    }
}
