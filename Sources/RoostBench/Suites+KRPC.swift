// SPDX-License-Identifier: Apache-2.0
internal import Kademlia
internal import Wire

/// Messages of the DHT as they come from others.
enum KRPCSamples {
    static let stranger = Contact(id: id(0xABCD), endpoint: Endpoint(.v4(0x0A07_0707), port: 4000))

    static func id(_ number: UInt64) -> NodeID {
        var state = number
        let bytes = (0..<20).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
        return NodeID(bytes) ?? .zero
    }

    static func contact(_ number: Int) -> Contact {
        Contact(id: id(UInt64(number)), endpoint: Endpoint(.v4(0x0A01_0000 + UInt32(number)), port: 6881))
    }

    static let findNodeAnswer: [UInt8] = {
        var response = KRPCResponse(sender: id(1))
        response.nodes = (2..<10).map(contact)
        return KRPCMessage(transaction: [1, 2], body: .response(response)).encoded
    }()

    static func query(_ method: KRPCQuery.Method) -> [UInt8] {
        KRPCMessage(transaction: [1, 2, 3, 4], body: .query(KRPCQuery(sender: stranger.id, method: method))).encoded
    }
}

/// A node whose table is full, as one that has been on for an hour.
final class JoinedNode {
    private var node: DHTNode
    private var batch = DatagramBatch()
    private var now = Instant.seconds(1000)

    init() {
        var configuration = DHTConfiguration()
        configuration.queriesPerPrefix = 1e12
        configuration.queryBurstPerPrefix = 1e12
        node = DHTNode(
            id: KRPCSamples.id(0),
            configuration: configuration,
            seed: Array(repeating: 5, count: 32),
            now: now
        )
        join(through: 1000)
    }

    /// Every query of the node is answered at once, by nodes that know some others.
    private func join(through count: Int) {
        var waiting = node.join(through: [KRPCSamples.contact(1).endpoint], now: now)
        var answers = 0
        while !waiting.isEmpty, answers < count * 4 {
            guard case .send(let bytes, let endpoint) = waiting.removeFirst(),
                let message = try? KRPCMessage(parsing: bytes), case .query = message.body,
                case .v4(let address) = endpoint.address
            else { continue }
            answers += 1
            var response = KRPCResponse(sender: KRPCSamples.contact(Int(address & 0xFFFF)).id)
            response.nodes = (0..<8).map { KRPCSamples.contact((answers * 8 + $0) % count + 1) }
            let answer = KRPCMessage(transaction: message.transaction, body: .response(response)).encoded
            now += .milliseconds(1)
            waiting += node.receive(answer, from: endpoint, now: now)
        }
    }

    var nodeCount: Int { node.nodeCount }

    /// The quick way; false where the query is not for it.
    func answer(_ query: [UInt8]) -> Bool {
        now += .microseconds(10)
        if batch.isFull { batch.removeAll() }
        return node.answer(query.span, from: KRPCSamples.stranger.endpoint, now: now, into: &batch) != nil
    }

    /// The way of all other messages.
    func receive(_ datagram: [UInt8]) {
        now += .microseconds(10)
        keep(node.receive(datagram, from: KRPCSamples.stranger.endpoint, now: now))
    }
}

extension Suites {
    static func krpc() -> [Benchmark] {
        let node = JoinedNode()
        precondition(node.nodeCount > 30, "the table has \(node.nodeCount) nodes only")
        let target = KRPCSamples.id(77)
        let findNode = KRPCSamples.query(.findNode(target: target))
        let get = KRPCSamples.query(.get(target: target, sequence: nil))
        let ping = KRPCSamples.query(.ping)
        return [
            Benchmark("krpc: ping answered") { precondition(node.answer(ping)) },
            Benchmark("krpc: find_node answered") { precondition(node.answer(findNode)) },
            Benchmark("krpc: get answered, with a token and no item") { precondition(node.answer(get)) },
            Benchmark("krpc: find_node answered, the way of all messages") { node.receive(findNode) },
        ]
    }
}
