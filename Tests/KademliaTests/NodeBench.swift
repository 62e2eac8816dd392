// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import TestSupport
internal import Wire

@testable internal import Kademlia

/// One node under test and the means to talk to it by hand.
final class NodeBench {
    var node: DHTNode
    var now = Instant.seconds(1000)
    var sent: [(bytes: [UInt8], to: Endpoint)] = []
    var progress: [DHTProgress] = []
    var outcomes: [DHTOutcome] = []
    var events: [DHTEvent] = []
    private(set) var wake: Instant?
    private var random = SplitMix64(seed: 99)

    init(id: NodeID? = nil, _ configure: (inout DHTConfiguration) -> Void = { _ in }) {
        var configuration = DHTConfiguration()
        configure(&configuration)
        node = DHTNode(id: id, configuration: configuration, seed: random.bytes(32), now: .seconds(1000))
    }

    static let stranger = Endpoint(.v4(0x0808_0808), port: 4000)
    static let strangerID = NodeID(Array(repeating: 0xAB, count: 20)) ?? .zero

    func randomID() -> NodeID { .random(using: &random) }
    func randomBytes(_ count: Int) -> [UInt8] { random.bytes(count) }

    func isReachable(after time: Duration = .zero) -> Bool { node.isReachable(now: now + time) }

    @discardableResult
    func perform(_ actions: [DHTNode.Action]) -> [KRPCMessage] {
        var messages: [KRPCMessage] = []
        for action in actions {
            switch action {
            case .send(let bytes, let endpoint):
                sent.append((bytes, endpoint))
                if let message = try? KRPCMessage(parsing: bytes) { messages.append(message) }
            case .wake(let time): wake = time
            case .progress(_, let value): progress.append(value)
            case .finished(_, let outcome): outcomes.append(outcome)
            case .event(let event): events.append(event)
            }
        }
        return messages
    }

    /// Sends a query and returns what is answered to it.
    func ask(
        _ method: KRPCQuery.Method,
        from source: Endpoint = stranger,
        id: NodeID = strangerID,
        want: Set<AddressFamily> = [],
        isReadOnly: Bool = false
    ) -> KRPCMessage? {
        var query = KRPCQuery(sender: id, method: method)
        query.want = want
        var message = KRPCMessage(transaction: [7, 7], body: .query(query))
        message.isReadOnly = isReadOnly
        return ask(message.encoded, from: source)
    }

    func ask(_ datagram: [UInt8], from source: Endpoint = stranger) -> KRPCMessage? {
        perform(node.receive(datagram, from: source, now: now)).first { message in
            if case .query = message.body { return false }
            return true
        }
    }

    func response(_ message: KRPCMessage?) -> KRPCResponse? {
        guard case .response(let response)? = message?.body else { return nil }
        return response
    }

    func code(_ message: KRPCMessage?) -> Int64? {
        guard case .fault(let fault)? = message?.body else { return nil }
        return fault.code
    }

    func token(for target: NodeID, from source: Endpoint = stranger) -> [UInt8] {
        response(ask(.get(target: target, sequence: nil), from: source))?.token ?? []
    }

    /// Runs the clock to `time` after now, wake by wake.
    func run(for time: Duration) {
        let end = now + time
        while let next = wake, next <= end {
            now = max(now, next)
            wake = nil
            perform(node.tick(now: now))
        }
        now = end
    }

    /// Answers every query of the node that is still open, as a node of `id(endpoint)` would with `fill`.
    func answerAll(_ fill: (KRPCQuery, inout KRPCResponse) -> Void, id: (Endpoint) -> NodeID) {
        let open = sent
        sent = []
        for (bytes, endpoint) in open {
            guard let message = try? KRPCMessage(parsing: bytes), case .query(let query) = message.body else {
                continue
            }
            var response = KRPCResponse(sender: id(endpoint))
            fill(query, &response)
            let reply = KRPCMessage(transaction: message.transaction, body: .response(response))
            perform(node.receive(reply.encoded, from: endpoint, now: now))
        }
    }
}
