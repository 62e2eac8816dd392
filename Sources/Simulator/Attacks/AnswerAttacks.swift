// SPDX-License-Identifier: Apache-2.0
internal import Kademlia
internal import Keys
internal import Wire

/// Attacks on a single node, or by the few whom it asks: no world is needed, its neighbours answer by a script.
final class AnswerAttacks {
    private static let searches: CommandID = 20
    private static let neighbours = 12
    /// A search ends within ten seconds.
    private static let patience = 2000

    private var node: DHTNode
    private var now = Instant.seconds(1000)
    private var random: RandomStream
    private var outcomes: [CommandID: DHTOutcome] = [:]
    private var questions: [Endpoint] = []

    init(_ options: ScenarioOptions, without: Set<DHTDefence>) {
        random = RandomStream(seed: options.seed, "answers")
        var configuration = DHTConfiguration()
        configuration.localAddresses = [.v4(0x0808_0808)]
        configuration.localPort = 6881
        configuration.without = without
        node = DHTNode(configuration: configuration, seed: random.bytes(32), now: now)
    }

    // MARK: - On what it answers

    /// 2,000 questions a second.
    func flood(_ count: Int = 20_000) -> Share {
        var share = Share()
        for number in 0..<count {
            now += .microseconds(500)
            let source = Endpoint(.v4(0x0B00_0000 + UInt32(number % 254) + 1), port: 6881)
            share.add(ask(.findNode(target: NodeID.random(using: &random)), from: source) > 0)
        }
        return share
    }

    /// Bytes for bytes.
    func amplification(_ count: Int = 20_000) -> Share {
        guard let item = item(1, size: 900) else { return Share() }
        perform(node.keep(.mutable(item), policy: .own, now: now))
        let victim = Endpoint(.v4(0x0B00_0001), port: 53)
        let method = KRPCQuery.Method.get(target: item.target, sequence: nil)
        let question = Self.datagram(method, from: .zero).count + 28
        var answered = 0
        for _ in 0..<count {
            now += .microseconds(500)
            let bytes = ask(method, from: victim)
            answered += bytes == 0 ? 0 : bytes + 28
        }
        return Share(good: answered, all: question * count)
    }

    func forgedAnnounces() -> Share {
        var share = Share()
        for number in 0..<1000 as Range<UInt32> {
            now += .milliseconds(20)
            let before = node.peerCount
            let infoHash = NodeID.random(using: &random)
            let announce = KRPCAnnounce(infoHash: infoHash, port: 80, token: random.bytes(8))
            _ = ask(.announcePeer(announce), from: Endpoint(.v4(0x0B00_0001 + number << 8), port: 6881))
            share.add(node.peerCount > before)
        }
        return share
    }

    /// The bytes of the answer; 0 for none.
    private func ask(_ method: KRPCQuery.Method, from source: Endpoint) -> Int {
        var sender = NodeID.secured(for: source.address, using: &random)
        if sender == node.id { sender = .zero }
        var answered = 0
        for action in node.receive(Self.datagram(method, from: sender), from: source, now: now) {
            guard case .send(let bytes, source) = action, let message = try? KRPCMessage(parsing: bytes) else {
                continue
            }
            if case .query = message.body { continue }
            answered += bytes.count
        }
        return answered
    }

    private static func datagram(_ method: KRPCQuery.Method, from sender: NodeID) -> [UInt8] {
        KRPCMessage(transaction: [1, 2], body: .query(KRPCQuery(sender: sender, method: method))).encoded
    }

    // MARK: - On what it asks

    func forgedItems() -> Share {
        search { key, _ in
            guard let forger = SigningKey(seed: self.random.bytes(32)),
                let forged = try? MutableItem.signed(value: Array("6:forged".utf8), sequence: 9, by: forger)
            else { return nil }
            return Answer(key: key, sequence: 9, value: forged.value, signature: forged.signature)
        }
    }

    func oldItems() -> Share {
        search { _, turn in
            // First the newer, then the older.
            guard let item = self.item(turn / 2, sequence: turn % 2 == 0 ? 2 : 1) else { return nil }
            return Answer(key: item.key, sequence: item.sequence, value: item.value, signature: item.signature)
        } counting: {
            $0 % 2 == 1
        }
    }

    private struct Answer {
        var key: PublicKey
        var sequence: Int64
        var value: [UInt8]
        var signature: Signature
    }

    /// Searches whose neighbours all answer alike; counted are those that take what they answer.
    private func search(
        _ answer: (PublicKey, Int) -> Answer?,
        counting isCounted: (Int) -> Bool = { _ in true }
    ) -> Share {
        var share = Share()
        let others = meetNeighbours()
        for turn in 0..<Int(Self.searches) {
            guard let key = item(isCounted(0) ? turn : turn / 2)?.key, let answer = answer(key, turn) else { continue }
            perform(node.start(.getMutable(key: key, salt: []), id: CommandID(turn), now: now)) { method, source in
                var response = KRPCResponse(sender: others[source] ?? .zero)
                if case .get = method {
                    response.key = answer.key
                    response.sequence = answer.sequence
                    response.value = answer.value
                    response.signature = answer.signature
                }
                return others[source] == nil ? nil : response
            } until: {
                $0[CommandID(turn)] != nil
            }
            guard isCounted(turn), case .mutable(let report, _)? = outcomes[CommandID(turn)] else { continue }
            share.add(report.item != nil)
        }
        return share
    }

    /// Where the nodes stand that liars invent.
    enum Invention {
        /// All in the network of somebody who is to be flooded.
        case oneNetwork
        /// Each in a network of its own, so that searches go nowhere.
        case everywhere
    }

    /// Queries of searches that go to nodes that are not there: every third node names fifty of them next to the key.
    func poisonedLists(_ place: Invention) -> Share {
        var share = Share()
        let others = meetNeighbours(60)
        let ordered = others.map { Contact(id: $0.value, endpoint: $0.key) }.sorted { $0.id < $1.id }
        let liars = Set(ordered.indices.filter { $0 % 3 == 0 }.map { ordered[$0].endpoint })
        for turn in 0..<Int(Self.searches) {
            guard let item = item(turn) else { continue }
            let invented = Self.invented(near: item.target, place, turn: UInt32(turn))
            let honest = ordered.sorted { $0.id ^ item.target < $1.id ^ item.target }.prefix(8)
            questions = []
            perform(node.start(.getMutable(key: item.key, salt: []), id: CommandID(turn), now: now)) { _, source in
                guard let id = others[source] else { return nil }
                var response = KRPCResponse(sender: id)
                response.families = [.v4]
                let first = Int(id.bytes[0]) % (invented.count - 50)
                response.nodes = liars.contains(source) ? Array(invented[first..<first + 50]) : Array(honest)
                response.token = [1]
                return response
            } until: {
                $0[CommandID(turn)] != nil
            }
            for question in questions { share.add(others[question] == nil) }
        }
        return share
    }

    /// Other addresses for each search, so that what the node remembers of silent ones does not help it.
    private static func invented(near target: NodeID, _ place: Invention, turn: UInt32) -> [Contact] {
        (1...250 as ClosedRange<UInt32>).map { number in
            var bytes = target.bytes
            bytes[19] = UInt8(truncatingIfNeeded: number)
            let host = place == .oneNetwork ? turn << 8 | number : turn << 16 | number << 8 | 1
            return Contact(id: NodeID(bytes) ?? .zero, endpoint: Endpoint(.v4(0x1500_0000 + host), port: 6881))
        }
    }

    // MARK: - The script

    private func item(_ number: Int, sequence: Int64 = 1, size: Int = 4) -> MutableItem? {
        var seed = RandomStream(seed: UInt64(number), "attacked item")
        let value = Array("\(size):".utf8) + Array(repeating: 0x61, count: size)
        return SigningKey(seed: seed.bytes(32)).flatMap {
            try? MutableItem.signed(value: value, sequence: sequence, by: $0)
        }
    }

    /// Nodes that the node has asked and that have answered.
    private func meetNeighbours(_ count: Int = neighbours) -> [Endpoint: NodeID] {
        var others: [Endpoint: NodeID] = [:]
        for number in 0..<UInt32(count) {
            let endpoint = Endpoint(.v4(0x0C00_0001 + number << 16), port: 6881)
            others[endpoint] = NodeID.secured(for: endpoint.address, using: &random)
        }
        let entrances = others.keys.sorted { $0.compact.lexicographicallyPrecedes($1.compact) }
        perform(node.join(through: entrances, now: now)) { _, source in
            others[source].map { KRPCResponse(sender: $0) }
        } until: { [now] _ in
            self.now > now + .seconds(5)
        }
        return others
    }

    /// Carries actions out: questions are answered after 20 ms as the script says.
    private func perform(
        _ actions: [DHTNode.Action],
        answering script: (KRPCQuery.Method, Endpoint) -> KRPCResponse? = { _, _ in nil },
        until isDone: ([CommandID: DHTOutcome]) -> Bool = { _ in true }
    ) {
        var actions = actions
        for _ in 0..<Self.patience {
            var answers: [([UInt8], Endpoint)] = []
            for action in actions {
                if case .finished(let id, let outcome) = action { outcomes[id] = outcome }
                guard case .send(let bytes, let endpoint) = action, let message = try? KRPCMessage(parsing: bytes),
                    case .query(let query) = message.body
                else { continue }
                questions.append(endpoint)
                guard let response = script(query.method, endpoint) else { continue }
                answers.append(
                    (KRPCMessage(transaction: message.transaction, body: .response(response)).encoded, endpoint)
                )
            }
            if isDone(outcomes) { return }
            now += .milliseconds(20)
            actions = node.tick(now: now)
            for (bytes, endpoint) in answers { actions += node.receive(bytes, from: endpoint, now: now) }
        }
    }
}
