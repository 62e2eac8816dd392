// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import OrderedCollections
internal import Wire

/// What others answer us.
extension DHTNode {
    mutating func receive(_ response: KRPCResponse, _ message: KRPCMessage, from source: Endpoint, now: Instant) {
        // In our own name: no answer at all, so that whoever waits for one gives up in time.
        guard !isOwn(response.sender), let query = take(message.transaction, from: source) else { return }
        silent[source] = nil
        hearing[source.family.rawValue].heard()
        roundTrip.add(now - query.sent)
        let sender = Contact(id: response.sender, endpoint: source)
        vote(message.observedEndpoint?.address, from: source, now: now)
        answered(sender, now: now)
        tables[source.family.rawValue].measured(sender, now - query.sent)
        switch query.purpose {
        case .ping: break
        case .zone(let question): receive(response.zone, response.token, to: question, from: source, now: now)
        case .lookup(let operation): receive(response, from: sender, for: operation, now: now)
        case .store(let operation):
            operations[operation]?.attempts[source] = .stored
            advance(operation, now: now)
        }
    }

    mutating func receive(_ fault: KRPCFault, _ message: KRPCMessage, from source: Endpoint, now: Instant) {
        guard let query = take(message.transaction, from: source) else { return }
        silent[source] = nil
        switch query.purpose {
        case .ping: break
        case .zone(let question): receive(nil, nil, to: question, from: source, now: now)
        case .lookup(let operation):
            for index in operations[operation]?.lookups.indices ?? 0..<0 {
                operations[operation]?.lookups[index].failed(source)
            }
            advance(operation, now: now)
        case .store(let operation):
            operations[operation]?.attempts[source] = .refused(fault.code)
            advance(operation, now: now)
        }
    }

    /// The query that this answers, if it came from where it was sent to.
    private mutating func take(_ transaction: [UInt8], from source: Endpoint) -> Pending? {
        var reader = ByteReader(transaction)
        guard transaction.count == 4, let number = reader.read(UInt32.self), let query = pending[number],
            query.endpoint == source
        else { return nil }
        pending[number] = nil
        return query
    }

    /// A node has proven its address and its id.
    private mutating func answered(_ sender: Contact, now: Instant) {
        guard !routers.contains(sender.endpoint) else { return }
        let family = sender.endpoint.family.rawValue
        let before = tables[family].count
        switch tables[family].answered(sender, now: now) {
        case .probe(let contact):
            guard permit(contact.endpoint, now: now) == nil else { break }
            ask(.ping, contact.endpoint, id: contact.id, .ping, now: now)
        case .added:
            if before < configuration.bucketSize { hasten(now: now) }
            // The first of all, and not found by searching: it knows others.
            if before == 0, !isJoining { planJoin(at: now) }
            met(sender.id, now: now)
        case .returned(let wasBad):
            hasNews = hasNews || wasBad
            met(sender.id, now: now)
        case .known, .refused: break
        }
        // After a silence of ours: what nobody took meanwhile need not wait longer.
        if now - lastAnswered > Self.silenceOfOurs { hasten(now: now) }
        lastAnswered = now
    }

    private static var silenceOfOurs: Duration { .seconds(60) }

    /// A node answers that did not before: what we publish near it may belong there too.
    private mutating func met(_ sender: NodeID, now: Instant) {
        guard !schedule.entries.isEmpty, schedule.met(sender, width: configuration.bucketSize, now: now) else { return }
        planPublications(now: now)
    }

    /// While there are few nodes every new one may be among the k closest to what we publish.
    private mutating func hasten(now: Instant) {
        guard !isHastening, !schedule.entries.isEmpty else { return }
        isHastening = true
        planPublications(at: now + .milliseconds(300))
    }

    private mutating func receive(
        _ response: KRPCResponse,
        from sender: Contact,
        for operation: UInt64,
        now: Instant
    ) {
        guard let running = operations[operation] else { return }
        let family = sender.endpoint.family
        let policy = AddressPolicy.named(by: sender.endpoint.address)
        if running.goal.isOfStores, let token = response.token { running.tokens[sender.endpoint] = token }
        for index in running.lookups.indices {
            let lookup = running.lookups[index].family
            var contacts = lookup == .v4 ? response.nodes : response.nodes6
            // A stranger must not send us to addresses of our own network.
            if contacts.contains(where: { !policy.admits($0.endpoint.address) }) {
                contacts.removeAll { !policy.admits($0.endpoint.address) }
            }
            let own = id(lookup)
            if lookup == family {
                running.lookups[index].answered(sender, with: contacts, hasToken: response.token != nil, except: own)
            } else if !hearing[lookup.rawValue].isDeaf(now: now) {
                // BEP 32 "Bootstrapping": nodes of one family know those of the other.
                running.lookups[index].told(contacts, except: own)
            }
        }
        collect(response, from: sender, for: operation, now: now)
        advance(operation, now: now)
    }

    private mutating func collect(
        _ response: KRPCResponse,
        from sender: Contact,
        for operation: UInt64,
        now: Instant
    ) {
        guard let goal = operations[operation]?.goal else { return }
        switch goal {
        case .findNode, .publish(.peer, _): break
        case .getPeers:
            let policy = AddressPolicy.named(by: sender.endpoint.address)
            collect(response.values.filter { policy.admits($0) }, for: operation)
        case .scrape: collectFilters(response, for: operation)
        case .sampleInfohashes: collectSamples(response, for: operation)
        case .getImmutable, .publish(.immutable, _): collect(immutable: response, from: sender, for: operation)
        case .getMutable, .update, .publish(.mutable, _):
            collect(mutable: response, from: sender, for: operation, now: now)
        }
    }

    mutating func collect(_ values: [Endpoint], for operation: UInt64) {
        guard var peers = operations[operation]?.peers else { return }
        operations[operation]?.peers = []
        var new: [Endpoint] = []
        for peer in values where peers.count < Operation.maximumPeers && peers.insert(peer).inserted {
            new.append(peer)
        }
        operations[operation]?.peers = peers
        if !new.isEmpty { progress(.peers(new), for: operation) }
    }

    private mutating func collect(immutable response: KRPCResponse, from sender: Contact, for operation: UInt64) {
        guard let value = response.value, let target = operations[operation]?.target,
            let item = try? ImmutableItem(value: value), item.target == target
        else { return }
        operations[operation]?.holders[sender.endpoint] = 0
        guard operations[operation]?.immutable == nil else { return }
        operations[operation]?.immutable = value
        progress(.immutable(value), for: operation)
    }

    private mutating func collect(
        mutable response: KRPCResponse,
        from sender: Contact,
        for operation: UInt64,
        now: Instant
    ) {
        guard let slot = operations[operation]?.slot, let sequence = response.sequence, sequence >= 0 else { return }
        guard let value = response.value, let signature = response.signature else {
            // Only a number: it counts as a copy of what we have, never as news.
            operations[operation]?.holders[sender.endpoint] = sequence
            return
        }
        guard response.key.map({ $0 == slot.key }) ?? true else { return }
        let best = operations[operation]?.best
        if let best, best.sequence == sequence, best.value == value, best.signature == signature {
            operations[operation]?.holders[sender.endpoint] = sequence
            return
        }
        // Older items cost a verification only where nothing is known yet.
        guard best.map({ sequence >= $0.sequence }) ?? true,
            let item = item(slot.key, slot.salt, sequence, value, signature)
        else { return }
        operations[operation]?.holders[sender.endpoint] = sequence
        found(item, for: operation, now: now)
    }

    private func item(
        _ key: PublicKey,
        _ salt: [UInt8],
        _ sequence: Int64,
        _ value: [UInt8],
        _ signature: Signature
    ) -> MutableItem? {
        if configuration.without.contains(.signatures) {
            return MutableItem(trusted: key, salt, sequence, value, signature)
        }
        return try? MutableItem(key: key, salt: salt, sequence: sequence, value: value, signature: signature)
    }

    /// A verified item under the operation's target.
    mutating func found(_ item: MutableItem, for operation: UInt64, now: Instant) {
        let target = item.target
        let best = operations[operation]?.best
        if let best, best.sequence == item.sequence {
            guard best.value != item.value else { return }
            let conflict = ItemConflict(first: best, second: item)
            if items.record(conflict) { actions.append(.event(.conflict(conflict))) }
            return
        }
        guard best.map({ item.sequence > $0.sequence }) ?? true else { return }
        operations[operation]?.best = item
        // What was newer once is never forgotten for an older answer.
        guard item.sequence >= floors[target] ?? 0 else { return }
        floors.raise(target, to: item.sequence)
        progress(.item(item), for: operation)
    }

    mutating func progress(_ progress: DHTProgress, for operation: UInt64) {
        guard case .command(let command)? = operations[operation]?.purpose else { return }
        actions.append(.progress(command, progress))
    }

    // MARK: - Our own address

    /// BEP 42 "Bootstrapping": no single node is believed; three from different networks that agree are. Once believed,
    /// an address is only given up for one that ten name, and twice as many as still name the old one.
    private mutating func vote(_ address: IPAddress?, from source: Endpoint, now: Instant) {
        // A node of the Internet does not see us on a private range; one of our own network does.
        let family = source.family
        guard let address, configuration.localAddress(family) == nil, address.isV4 == source.address.isV4,
            address.isLocal == source.address.isLocal
        else { return }
        if addressVotes.count > 32 || (addressVotes[address]?.count ?? 0) > 64 { addressVotes = [:] }
        addressVotes[address, default: []].insert(source.address.prefix)
        let votes = addressVotes[address]?.count ?? 0
        guard address != confirmedAddresses[family.rawValue], votes >= votesNeeded(for: address, family) else { return }
        addressVotes = addressVotes.filter { $0.key.isV4 != address.isV4 }
        confirmedAddresses[family.rawValue] = address
        actions.append(.event(.address(address)))
        guard configuration.followsAddress, !id(family).isSecured(for: address) else { return }
        changeID(of: family, to: .secured(for: address, using: &generator), now: now)
    }

    private func votesNeeded(for address: IPAddress, _ family: AddressFamily) -> Int {
        guard let confirmed = confirmedAddresses[family.rawValue], !confirmed.isLocal || address.isLocal else {
            return address.isLocal ? 1 : 3
        }
        return max(10, 2 * (addressVotes[confirmed]?.count ?? 0) + 1)
    }

    private mutating func changeID(of family: AddressFamily, to new: NodeID, now: Instant) {
        ids[family.rawValue] = new
        let old = tables[family.rawValue]
        tables[family.rawValue] = RoutingTable(ownID: new, bucketSize: configuration.bucketSize, now: now)
        tables[family.rawValue].without = configuration.without
        for entry in old.snapshot.joined() where !entry.isBad {
            _ = tables[family.rawValue].answered(entry.contact, now: entry.lastAnswer)
        }
        actions.append(.event(.identity(new)))
        planJoin(at: now)
    }
}
