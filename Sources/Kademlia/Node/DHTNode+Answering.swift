// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

/// What others ask of us.
extension DHTNode {
    /// The most bytes of an answer to an address that has proven nothing, items aside: about what k nodes take.
    static var ordinaryAnswer: Int { 512 }

    mutating func receive(_ query: KRPCQuery, _ message: KRPCMessage, from source: Endpoint, now: Instant) {
        guard !configuration.isReadOnly, admits(source, now: now), !isOwn(query.sender) else { return }
        let sender = Contact(id: query.sender, endpoint: source)
        heard(sender, now: now)
        let body: KRPCMessage.Body
        do throws(KRPCFault) {
            body = .response(try respond(to: query, sender, now: now))
        } catch { body = .fault(error) }
        answer(message, with: body, to: source)
        // BEP 43: a read-only node belongs in no table.
        if !message.isReadOnly { meet(sender, now: now) }
    }

    /// Somebody asks us something.
    mutating func heard(_ sender: Contact, now: Instant) {
        let source = sender.endpoint
        if !silent.isEmpty { silent[source] = nil }
        // A neighbour on a local network says nothing of a way in from outside.
        if !source.address.isLocal || address(source.family)?.isLocal ?? true {
            reachability.heard(from: source, now: now)
        }
    }

    mutating func admits(_ source: Endpoint, now: Instant) -> Bool {
        source.address.isLoopback || incoming.take(source.address.prefix, now: now)
            || configuration.without.contains(.rateLimits)
    }

    mutating func answer(_ message: KRPCMessage, with body: KRPCMessage.Body, to source: Endpoint) {
        guard !configuration.isReadOnly else { return }
        var reply = KRPCMessage(transaction: message.transaction, body: body)
        reply.observedEndpoint = source
        reply.version = configuration.version
        let datagram = reply.encoded
        if case .response(let response) = body, response.zone != nil { zone?.sent(datagram.count) }
        actions.append(.send(datagram, to: source))
    }

    /// A node that asks is asked back where the table has room for it: only answers prove an address. Who does not answer
    /// is not asked back again for a minute, however much it asks.
    mutating func meet(_ sender: Contact, now: Instant) {
        let table = sender.endpoint.family.rawValue
        tables[table].heard(sender, now: now)
        if tables[table].wants(sender) { askBack(sender.endpoint, id: sender.id, now: now) }
    }

    /// A sign of life, asked for at most once a minute.
    mutating func askBack(_ endpoint: Endpoint, id: NodeID?, now: Instant) {
        guard pending.count < 512, askedBack[endpoint].map({ now - $0 >= Self.pauseOfAskingBack }) ?? true,
            permit(endpoint, now: now) == nil
        else { return }
        if askedBack.count >= Self.maximumAskedBack {
            askedBack = askedBack.filter { now - $0.value < Self.pauseOfAskingBack }
            if askedBack.count >= Self.maximumAskedBack { askedBack.removeAll(keepingCapacity: true) }
        }
        askedBack[endpoint] = now
        ask(.ping, endpoint, id: id, .ping, now: now)
    }

    private static var pauseOfAskingBack: Duration { .seconds(60) }
    static var maximumAskedBack: Int { 512 }

    private mutating func respond(
        to query: KRPCQuery,
        _ sender: Contact,
        now: Instant
    ) throws(KRPCFault) -> KRPCResponse {
        var response = KRPCResponse(sender: id(sender.endpoint.family))
        switch query.method {
        case .ping: break
        case .findNode(let target), .other(let target): addNodes(to: &response, target, query.want, sender)
        case .getPeers(let infoHash):
            response.token = tokens.token(for: sender.endpoint.address)
            addNodes(to: &response, infoHash, query.want, sender)
            addPeers(to: &response, infoHash, sender, withoutSeeds: query.withoutSeeds, now: now)
        case .scrape(let infoHash):
            response.token = tokens.token(for: sender.endpoint.address)
            addNodes(to: &response, infoHash, query.want, sender)
            addFilters(to: &response, infoHash, sender, now: now)
        case .sampleInfohashes(let target): addSamples(to: &response, target, query.want, sender, now: now)
        case .get(let target, let sequence):
            response.token = tokens.token(for: sender.endpoint.address)
            addNodes(to: &response, target, query.want, sender)
            addItem(to: &response, target, newerThan: sequence, sender, now: now)
        case .announcePeer(let announce): try store(announce, sender, now: now)
        case .put(let put): try store(put, sender, now: now)
        case .zone(let question): try answer(question, in: &response, sender, now: now)
        }
        return response
    }

    func addNodes(
        to response: inout KRPCResponse,
        _ target: NodeID,
        _ want: Set<AddressFamily>,
        _ sender: Contact
    ) {
        let families = want.isEmpty ? [sender.endpoint.family] : want
        response.families = families
        let count = configuration.bucketSize
        if families.contains(.v4) { response.nodes = tables[0].closest(to: target, count: count) }
        if families.contains(.v6) { response.nodes6 = tables[1].closest(to: target, count: count) }
    }

    func isProven(_ sender: Contact) -> Bool {
        tables[sender.endpoint.family.rawValue].entry(sender.id)?.contact == sender
    }

    private mutating func addPeers(
        to response: inout KRPCResponse,
        _ infoHash: Digest160,
        _ sender: Contact,
        withoutSeeds: Bool,
        now: Instant
    ) {
        guard !isDenied(infoHash) else { return }
        let nodes = response.nodes.count * 26 + response.nodes6.count * 38
        var found: [Endpoint] = []
        visitPeers(of: infoHash, for: sender, besides: nodes, withoutSeeds: withoutSeeds, now: now) {
            found.append($0)
        }
        response.values = found
    }

    /// Shows the peers that an answer with so many bytes of nodes has room for, ours among them.
    mutating func visitPeers(
        of infoHash: Digest160,
        for sender: Contact,
        besides nodes: Int,
        withoutSeeds: Bool = false,
        now: Instant,
        _ body: (Endpoint) -> Void
    ) {
        let isLong = isProven(sender) || configuration.without.contains(.replyLimits)
        let limit = isLong ? DHTSpecification.maximumDatagram : Self.ordinaryAnswer
        let family = sender.endpoint.family
        var room = max(1, (limit - 120 - nodes) / (family == .v4 ? 8 : 21))
        let own = ownEndpoint(for: infoHash, family: family)
        if let own {
            body(own)
            room -= 1
        }
        // The golden ratio's fraction: successive answers begin far apart.
        spread &+= 0x9E37_79B9_7F4A_7C15
        let random = spread
        peers.visit(infoHash, family: family, limit: room, now: now, withoutSeeds: withoutSeeds, random: random) {
            peer in
            if peer != own { body(peer) }
        }
    }

    /// Our own announce counts like one that others left with us.
    func ownEndpoint(for infoHash: Digest160, family: AddressFamily) -> Endpoint? {
        guard let port = ownPeers[infoHash], let address = address(family) else { return nil }
        let endpoint = Endpoint(address, port: port == 0 ? configuration.localPort : port)
        return endpoint.isReachable ? endpoint : nil
    }

    private mutating func addItem(
        to response: inout KRPCResponse,
        _ target: NodeID,
        newerThan known: Int64?,
        _ sender: Contact,
        now: Instant
    ) {
        guard !isDenied(target) else { return }
        if let item = items.mutable(target, now: now) {
            guard !isDenied(item.key, target) else { return }
            response.sequence = item.sequence
            guard known.map({ item.sequence > $0 }) ?? true, mayReceive(item.value.count + 110, sender, now) else {
                return
            }
            response.value = item.value
            response.key = item.key
            response.signature = item.signature
        } else if let item = items.immutable(target, now: now), mayReceive(item.value.count, sender, now) {
            response.value = item.value
        }
    }

    /// Whether that many bytes beyond an ordinary answer may go there. Forged senders make us send them to a victim, so
    /// what the addresses of one prefix get unproven is limited.
    mutating func mayReceive(_ bytes: Int, _ sender: Contact, _ now: Instant) -> Bool {
        guard !sender.endpoint.address.isLoopback, !isProven(sender), !configuration.without.contains(.replyLimits)
        else { return true }
        return unproven.take(sender.endpoint.address.prefix, cost: Double(bytes), now: now)
    }

    private func isTokenGood(_ token: [UInt8], _ sender: Contact) -> Bool {
        tokens.accepts(token, from: sender.endpoint.address) || configuration.without.contains(.tokens)
    }

    private mutating func store(_ announce: KRPCAnnounce, _ sender: Contact, now: Instant) throws(KRPCFault) {
        guard isTokenGood(announce.token, sender) else { throw .badToken }
        guard !isDenied(announce.infoHash) else { throw .generic }
        let peer = Endpoint(sender.endpoint.address, port: announce.port ?? sender.endpoint.port)
        guard peers.announce(peer, isSeed: announce.isSeed, for: announce.infoHash, now: now) else { throw .server }
    }

    private mutating func store(_ put: KRPCPut, _ sender: Contact, now: Instant) throws(KRPCFault) {
        guard isTokenGood(put.token, sender) else { throw .badToken }
        guard configuration.storesItems else { throw .server }
        guard let mutable = put.mutable else { return try storeImmutable(put.value, now: now) }
        let target = MutableItem.target(key: mutable.key, salt: mutable.salt)
        guard !isDenied(mutable.key, target) else { throw .generic }
        // What is refused by its number anyway costs no verification.
        if let current = items.mutable(target, now: now), mutable.sequence < current.sequence {
            throw mutable.expectedSequence.map { $0 != current.sequence } ?? false ? .sequenceMismatch : .sequenceTooLow
        }
        let item: MutableItem
        do {
            item = try MutableItem(
                key: mutable.key,
                salt: mutable.salt,
                sequence: mutable.sequence,
                value: put.value,
                signature: mutable.signature
            )
        } catch { throw error.fault }
        try keep(item, expecting: mutable.expectedSequence, now: now)
    }

    /// Stores an item that another node brought, and reports a conflict that it proves.
    mutating func keep(
        _ item: MutableItem,
        expecting expected: Int64?,
        isOwn: Bool = false,
        now: Instant
    ) throws(KRPCFault) {
        let before = items.conflicts.count
        defer {
            if items.conflicts.count > before, let conflict = items.conflicts.last {
                actions.append(.event(.conflict(conflict)))
            }
        }
        try items.put(item, expecting: expected, isOwn: isOwn, near: id, now: now)
    }

    private mutating func storeImmutable(_ value: [UInt8], now: Instant) throws(KRPCFault) {
        let item: ImmutableItem
        do {
            item = try ImmutableItem(value: value)
        } catch { throw error.fault }
        guard !isDenied(item.target) else { throw .generic }
        items.put(item, near: id, now: now)
    }
}
