// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

@testable internal import Kademlia

/// A DHT node and what an input says is sent to it: any datagram from a few hosts, some with the transaction that the node
/// waits for or the token that it gave out, commands of its user, and time.
struct DHTTrial: ~Copyable {
    private var node: DHTNode
    private var now = Duration.seconds(1000)
    private var transactions: [(bytes: [UInt8], to: Endpoint)] = []
    private var token: [UInt8] = []

    private var unfinished = Set<CommandID>()
    private var next: CommandID = 1

    init(_ choice: UInt8) {
        var configuration = DHTConfiguration()
        configuration.maximumItems = 4
        if choice & 1 == 1 { configuration.localAddresses = [.v4(0xCB00_7101)] }
        node = DHTNode(configuration: configuration, seed: [UInt8](repeating: choice, count: 32), now: now)
    }

    mutating func step(_ input: inout FuzzInput) throws {
        let kind = input.byte()
        let source = Endpoint(.v4(0xCB00_7110 + UInt32(kind >> 4)), port: 6881)
        switch kind % 6 {
        case 0, 1: try take(node.receive(input.chunk(), from: source, now: now), answering: source)
        case 2: try answer(&input)
        case 3: try put(&input, source)
        case 4: try command(&input)
        default:
            now += .milliseconds(Int(input.short()) * 8)
            try take(node.tick(now: now), answering: nil)
        }
    }

    /// A response whose fields the input makes, to a query that the node sent.
    private mutating func answer(_ input: inout FuzzInput) throws {
        let choice = Int(input.byte())
        let fields = input.chunk()
        guard !transactions.isEmpty else { return }
        let query = transactions.remove(at: choice % transactions.count)
        var bytes = Array("d1:rd2:id20:".utf8) + input.padded(20) + fields
        bytes += Array("e1:t\(query.bytes.count):".utf8) + query.bytes + Array("1:y1:re".utf8)
        try take(node.receive(bytes, from: query.to, now: now), answering: query.to)
    }

    /// A put that the node must weigh: with its own token and a right signature.
    private mutating func put(_ input: inout FuzzInput, _ source: Endpoint) throws {
        let sequence = Int64(input.short())
        let salt = input.take(Int(input.byte()) % 66)
        let value = BencodeValue.bytes(input.chunk()).encoded
        let ask = KRPCMessage(
            transaction: [7],
            body: .query(
                KRPCQuery(sender: FuzzTarget.torrentHash, method: .get(target: FuzzTarget.torrentHash, sequence: nil))
            )
        )
        try take(node.receive(ask.encoded, from: source, now: now), answering: source)
        guard let item = try? MutableItem.signed(value: value, salt: salt, sequence: sequence, by: FuzzTarget.signer)
        else { return }
        var put = KRPCPut(token: token, value: value, mutable: nil)
        put.mutable = KRPCPut.Mutable(
            key: item.key,
            salt: salt,
            sequence: sequence,
            signature: item.signature,
            expectedSequence: nil
        )
        let message = KRPCMessage(
            transaction: [8],
            body: .query(KRPCQuery(sender: FuzzTarget.torrentHash, method: .put(put)))
        )
        try take(node.receive(message.encoded, from: source, now: now), answering: source)
        try hold(node.itemCount <= 4, "a node keeps no more items than it may")
    }

    private mutating func command(_ input: inout FuzzInput) throws {
        let target = NodeID(input.padded(20)) ?? .zero
        let commands: [DHTCommand] = [
            .findNode(target), .getPeers(target), .scrape(target), .sampleInfohashes(near: target),
            .getImmutable(target),
            .getMutable(key: FuzzTarget.signer.publicKey, salt: []), .publish(.peer(infoHash: target, port: nil)),
        ]
        guard unfinished.count < 8 else { return }
        unfinished.insert(next)
        try take(node.start(commands[input.choice(commands.count)], id: next, now: now), answering: nil)
        next += 1
    }

    private mutating func take(_ actions: [DHTNode.Action], answering source: Endpoint?) throws {
        for action in actions {
            switch action {
            case .send(let datagram, let endpoint):
                guard let message = try? KRPCMessage(parsing: datagram) else {
                    throw Broken(description: "a node sends what a node reads: \(datagram.text)")
                }
                switch message.body {
                case .query: transactions = Array((transactions + [(message.transaction, endpoint)]).suffix(32))
                case .response(let response): token = response.token ?? token
                default: break
                }
            case .finished(let id, _): try hold(unfinished.remove(id) != nil, "a command ends once")
            default: break
            }
        }
    }
}

extension FuzzInput {
    /// So many bytes, with zeros where the input has ended.
    mutating func padded(_ count: Int) -> [UInt8] {
        let bytes = take(count)
        return bytes + [UInt8](repeating: 0, count: count - bytes.count)
    }
}
