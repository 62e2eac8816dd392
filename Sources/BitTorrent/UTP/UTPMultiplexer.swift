// SPDX-License-Identifier: Apache-2.0
internal import DequeModule
public import Wire

/// All uTP connections of one UDP port (BEP 29), without I/O.
///
/// Give it each datagram and each command, then ``flush(now:into:)`` once per turn: packets leave together, and what arrived
/// in one turn is acknowledged at once. `output` collects; its owner acts on it in order and empties it.
///
/// A stranger costs nothing before a second packet proves the address: the answer to a first packet is no larger than that
/// packet, unconfirmed connections are few and short-lived, and packets of unknown connections are refused with 20 bytes, a
/// few times a second. Memory: ``UTPConfiguration``.
public struct UTPMultiplexer: ~Copyable {
    struct Key: Hashable {
        var endpoint: Endpoint
        var receiveID: UInt16
    }

    /// As it was begun with; it does not change.
    public let configuration: UTPConfiguration
    var connections: [UTPConnection?] = []
    private var generations: [UInt32] = []
    private var free: [Int] = []
    private var slots: [Key: Int] = [:]
    private var dirty: [Int] = []
    /// What others began and have not confirmed, oldest first.
    private var unconfirmed: Deque<UTPConnectionID> = []
    private var heldBytes = 0
    private var random: UTPRandom
    private var nextWake: UTPInstant?
    private var resetTokens: Double
    private var resetTime = UTPInstant(microseconds: 0)
    /// The last connection that was found: packets come in runs.
    private var last: (key: Key, slot: Int)?

    /// `seed`: for connection numbers and first sequence numbers; unguessable where strangers send.
    public init(configuration: UTPConfiguration = UTPConfiguration(), seed: UInt64) {
        self.configuration = configuration
        random = UTPRandom(seed: seed)
        resetTokens = Double(configuration.resetsPerSecond)
    }

    /// Connections of both directions, confirmed or not.
    public var count: Int { slots.count }

    /// What is kept for others, each with its bound.
    public var queues: [SessionQueue] {
        [
            SessionQueue("uTP connections", slots.count, configuration.maximumConnections),
            SessionQueue("uTP connections not confirmed", unconfirmed.count, configuration.maximumUnconfirmed),
            SessionQueue("uTP bytes that came early", heldBytes, configuration.maximumHeldBytes),
        ]
    }

    /// When ``tick(now:into:)`` is due; nil for never.
    public var wake: UTPInstant? { nextWake }

    /// Something changed since the last flush.
    public var needsFlush: Bool { !dirty.isEmpty }

    // MARK: Commands

    /// Dials. The first packet leaves with the next flush.
    ///
    /// `largestDatagram`: bytes of UDP payload that the link and the other side take.
    /// - Returns: nil where there is no room.
    public mutating func connect(
        to endpoint: Endpoint,
        largestDatagram: Int? = nil,
        now: UTPInstant
    ) -> UTPConnectionID? {
        guard slots.count < configuration.maximumConnections, let receiveID = freeReceiveID(endpoint) else {
            return nil
        }
        let id = takeSlot()
        let connection = UTPConnection(
            dialling: endpoint,
            id: id,
            receiveID: receiveID,
            sequence: UInt16(truncatingIfNeeded: random.next()),
            largestDatagram: largestDatagram ?? UTPSpecification.ethernetDatagram(isV4: endpoint.address.isV4),
            configuration: configuration,
            now: now
        )
        add(connection)
        return id
    }

    /// More bytes stand at the end of the stream.
    public mutating func write(_ id: UTPConnectionID, count: Int) {
        guard let slot = slot(of: id) else { return }
        connections[slot]?.write(count)
        mark(slot)
    }

    /// So many received bytes wait for their reader: the window shrinks by them until they are taken.
    public mutating func kept(_ id: UTPConnectionID, count: Int) {
        guard let slot = slot(of: id) else { return }
        connections[slot]?.receiving.unread += count
    }

    /// The reader took so many of the bytes that waited.
    public mutating func consumed(_ id: UTPConnectionID, count: Int) {
        guard let slot = slot(of: id) else { return }
        connections[slot]?.consumed(count)
        mark(slot)
    }

    /// Ends the stream behind what was written; what still comes is not delivered. An ``UTPEvent/ended(_:_:)`` follows.
    ///
    /// `reason`: by libtorrent's numbers, 0 for none.
    public mutating func close(_ id: UTPConnectionID, reason: UInt16 = 0, now: UTPInstant) {
        guard let slot = slot(of: id) else { return }
        connections[slot]?.close(reason: reason, configuration: configuration, now: now)
        mark(slot)
    }

    /// Ends at once, and tells the other side.
    public mutating func abort(_ id: UTPConnectionID, now: UTPInstant, into output: inout UTPOutput) {
        guard let slot = slot(of: id) else { return }
        if connections[slot]?.isConfirmed == true { connections[slot]?.appendReset(now: now, into: &output) }
        remove(slot, .reset, &output)
    }

    /// The system refused to send a probe because of its size.
    public mutating func refusedProbe(_ id: UTPConnectionID, size: Int) {
        guard let slot = slot(of: id) else { return }
        connections[slot]?.pathMTU.probeLost(size, isCertain: true)
        connections[slot]?.sending.loseProbe()
        mark(slot)
    }

    /// Where a connection leads.
    public func endpoint(of id: UTPConnectionID) -> Endpoint? { slot(of: id).flatMap { connections[$0]?.endpoint } }

    /// Figures of a connection, for people.
    public func statistics(_ id: UTPConnectionID) -> UTPStatistics? {
        slot(of: id).flatMap { connections[$0] }.map { UTPStatistics($0) }
    }

    // MARK: Events

    /// A datagram. Nothing happens to one that is no packet.
    public mutating func receive(
        _ bytes: Span<UInt8>,
        from source: Endpoint,
        now: UTPInstant,
        into output: inout UTPOutput
    ) {
        guard let packet = UTPPacket(bytes) else { return }
        guard let slot = find(packet.header, source) else {
            return receiveUnknown(packet.header, from: source, bytes.count, now, &output)
        }
        let room = configuration.maximumHeldBytes - heldBytes
        let wasConfirmed = connections[slot]?.isConfirmed ?? true
        heldBytes +=
            connections[slot]?.receive(
                packet,
                in: bytes,
                room: room,
                configuration: configuration,
                now: now,
                into: &output.events
            ) ?? 0
        if !wasConfirmed, connections[slot]?.isConfirmed == true { confirmed(slot) }
        mark(slot)
    }

    /// Sends what may be sent, and acknowledges what came.
    public mutating func flush(now: UTPInstant, into output: inout UTPOutput) {
        let slots = dirty
        dirty.removeAll(keepingCapacity: true)
        for slot in slots {
            guard connections[slot] != nil else { continue }
            connections[slot]?.isDirty = false
            connections[slot]?.flush(configuration: configuration, now: now, into: &output)
            settle(slot, &output)
        }
    }

    /// Time has passed. Follow it with a flush.
    public mutating func tick(now: UTPInstant, into output: inout UTPOutput) {
        guard let due = nextWake, due <= now else { return }
        nextWake = nil
        for slot in connections.indices {
            guard let wake = connections[slot]?.nextWake(configuration: configuration) else { continue }
            if wake <= now {
                if connections[slot]?.tick(configuration: configuration, now: now) == true { mark(slot) }
                settle(slot, &output)
            } else {
                nextWake = min(nextWake ?? wake, wake)
            }
        }
    }

    // MARK: Strangers

    private mutating func receiveUnknown(
        _ header: UTPHeader,
        from source: Endpoint,
        _ size: Int,
        _ now: UTPInstant,
        _ output: inout UTPOutput
    ) {
        switch header.type {
        case .syn: accept(header, from: source, now, &output)
        case .reset: break
        case .data, .fin, .state:
            guard takeResetToken(now) else { return }
            let reset = UTPHeader(
                type: .reset,
                connectionID: header.connectionID,
                timestamp: now.wire,
                sequence: UInt16(truncatingIfNeeded: random.next()),
                acknowledged: header.sequence
            )
            var bytes: [UInt8] = []
            reset.encode(into: &bytes)
            output.replies.append(UTPOutput.Reply(destination: source, bytes: bytes))
        }
    }

    private mutating func takeResetToken(_ now: UTPInstant) -> Bool {
        let limit = Double(configuration.resetsPerSecond)
        resetTokens = min(limit, resetTokens + Double(now - resetTime) * limit / 1_000_000)
        resetTime = now
        guard resetTokens >= 1 else { return false }
        resetTokens -= 1
        return true
    }

    private mutating func accept(
        _ header: UTPHeader,
        from source: Endpoint,
        _ now: UTPInstant,
        _ output: inout UTPOutput
    ) {
        makeRoom(source, &output)
        let key = Key(endpoint: source, receiveID: header.connectionID &+ 1)
        guard slots.count < configuration.maximumConnections, slots[key] == nil, source.port != 0 else { return }
        let id = takeSlot()
        let connection = UTPConnection(
            accepting: header,
            from: source,
            id: id,
            sequence: UInt16(truncatingIfNeeded: random.next()),
            largestDatagram: UTPSpecification.ethernetDatagram(isV4: source.address.isV4),
            configuration: configuration,
            now: now
        )
        add(connection)
        unconfirmed.append(id)
    }

    /// Lets the oldest unconfirmed connection go where there are too many, of one address or of all.
    private mutating func makeRoom(_ source: Endpoint, _ output: inout UTPOutput) {
        if unconfirmed.count >= configuration.maximumUnconfirmed, let oldest = unconfirmed.first {
            remove(oldest.slot, .displaced, &output)
        }
        let same = unconfirmed.filter { connections[$0.slot]?.endpoint.address == source.address }
        if same.count >= configuration.maximumUnconfirmedPerAddress, let oldest = same.first {
            remove(oldest.slot, .displaced, &output)
        }
    }

    private mutating func confirmed(_ slot: Int) {
        if let id = connections[slot]?.id, let index = unconfirmed.firstIndex(of: id) { unconfirmed.remove(at: index) }
    }

    // MARK: Slots

    private func slot(of id: UTPConnectionID) -> Int? {
        guard connections.indices.contains(id.slot), connections[id.slot]?.id == id else { return nil }
        return id.slot
    }

    private mutating func find(_ header: UTPHeader, _ source: Endpoint) -> Int? {
        // The first packet of a connection has the number that its answers will have, all others one more.
        let number = header.type == .syn ? header.connectionID &+ 1 : header.connectionID
        let key = Key(endpoint: source, receiveID: number)
        if let last, last.key == key { return last.slot }
        if let slot = slots[key] {
            last = (key, slot)
            return slot
        }
        guard header.type == .reset else { return nil }
        // Who does not know a connection refuses it by the number that it was sent, which is the other of the two.
        for receiveID in [number &+ 1, number &- 1] {
            if let slot = slots[Key(endpoint: source, receiveID: receiveID)], connections[slot]?.sendID == number {
                return slot
            }
        }
        return nil
    }

    private mutating func freeReceiveID(_ endpoint: Endpoint) -> UInt16? {
        for _ in 0..<16 {
            let number = UInt16(truncatingIfNeeded: random.next())
            if slots[Key(endpoint: endpoint, receiveID: number)] == nil { return number }
        }
        return nil
    }

    private mutating func takeSlot() -> UTPConnectionID {
        if let slot = free.popLast() {
            generations[slot] &+= 1
            return UTPConnectionID(slot: slot, generation: generations[slot])
        }
        connections.append(nil)
        generations.append(0)
        return UTPConnectionID(slot: connections.count - 1, generation: 0)
    }

    private mutating func add(_ connection: UTPConnection) {
        slots[Key(endpoint: connection.endpoint, receiveID: connection.receiveID)] = connection.id.slot
        connections[connection.id.slot] = connection
        mark(connection.id.slot)
    }

    private mutating func mark(_ slot: Int) {
        guard connections[slot]?.isDirty == false else { return }
        connections[slot]?.isDirty = true
        dirty.append(slot)
    }

    /// After anything that may have ended a connection or moved its timer.
    private mutating func settle(_ slot: Int, _ output: inout UTPOutput) {
        guard let connection = connections[slot] else { return }
        if case .gone(let ending) = connection.state { return remove(slot, ending, &output) }
        if connection.state == .closing, connection.finArrived { return remove(slot, .closed, &output) }
        guard let wake = connection.nextWake(configuration: configuration) else { return }
        nextWake = min(nextWake ?? wake, wake)
    }

    private mutating func remove(_ slot: Int, _ ending: UTPEnding, _ output: inout UTPOutput) {
        guard let connection = connections[slot] else { return }
        if let index = unconfirmed.firstIndex(of: connection.id) {
            unconfirmed.remove(at: index)
        } else {
            output.events.append(.ended(connection.id, ending))
        }
        heldBytes -= connection.receiving.heldBytes
        slots[Key(endpoint: connection.endpoint, receiveID: connection.receiveID)] = nil
        if last?.slot == slot { last = nil }
        connections[slot] = nil
        free.append(slot)
    }
}

/// Numbers from a seed (xorshift64*, Vigna 2016): the machine has no randomness of its own.
struct UTPRandom: Sendable {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed == 0 ? 0x9E37_79B9_7F4A_7C15 : seed
    }

    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return (state &* 0x2545_F491_4F6C_DD1D) >> 16
    }
}
