// SPDX-License-Identifier: Apache-2.0
internal import Kademlia
internal import Wire

/// A DHT node that stands where it was told to: it answers every question with its like, takes every put and keeps none.
final class SybilProgram: Program {
    let host: Host
    let id: NodeID
    private let like: (NodeID) -> [Contact]

    init(on host: Host, id: NodeID, like: @escaping (NodeID) -> [Contact]) {
        self.host = host
        self.id = id
        self.like = like
    }

    var contact: Contact { Contact(id: id, endpoint: host.endpoint) }

    /// Makes itself known: who is asked asks back.
    func greet(_ endpoint: Endpoint) {
        let query = KRPCQuery(sender: id, method: .ping)
        host.send(KRPCMessage(transaction: [0x73], body: .query(query)).encoded, to: endpoint)
    }

    func receive(_ datagram: [UInt8], from source: Endpoint) {
        guard let message = try? KRPCMessage(parsing: datagram), case .query(let query) = message.body else { return }
        host.send(Self.answer(to: message, query, as: id, like: like, seenAt: source), to: source)
    }

    func wake() {}

    static func answer(
        to message: KRPCMessage,
        _ query: KRPCQuery,
        as id: NodeID,
        like: (NodeID) -> [Contact],
        seenAt source: Endpoint
    ) -> [UInt8] {
        var response = KRPCResponse(sender: id)
        if let target = query.target {
            response.families = [.v4]
            response.nodes = Array(like(target).prefix(8))
            response.token = [1, 2, 3, 4]
        }
        var answer = KRPCMessage(transaction: message.transaction, body: .response(response))
        answer.observedEndpoint = source
        return answer.encoded
    }
}

/// An ordinary node that deceives those who look for certain keys, and nobody else.
final class TraitorProgram: Program {
    let inner: DHTProgram
    private let like: (NodeID) -> [Contact]?

    /// `like` is nil for keys that it is honest about.
    init(_ inner: DHTProgram, like: @escaping (NodeID) -> [Contact]?) {
        self.inner = inner
        self.like = like
    }

    func receive(_ datagram: [UInt8], from source: Endpoint) {
        guard let message = try? KRPCMessage(parsing: datagram), case .query(let query) = message.body,
            let target = query.target, let like = like(target)
        else { return inner.receive(datagram, from: source) }
        let answer = SybilProgram.answer(
            to: message,
            query,
            as: inner.node.id,
            like: { _ in like },
            seenAt: source
        )
        inner.host.send(answer, to: source)
    }

    func wake() { inner.wake() }
    func touched() { inner.touched() }
}

extension KRPCQuery {
    /// What it is about; of stores where they lead.
    fileprivate var target: NodeID? {
        switch method {
        case .ping, .zone: nil
        case .findNode(let target), .get(let target, _), .sampleInfohashes(let target), .other(let target): target
        case .getPeers(let infoHash), .scrape(let infoHash): infoHash
        case .announcePeer(let announce): announce.infoHash
        case .put(let put): put.mutable.map { MutableItem.target(key: $0.key, salt: $0.salt) }
        }
    }
}
