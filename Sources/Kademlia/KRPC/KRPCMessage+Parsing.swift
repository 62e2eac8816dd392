// SPDX-License-Identifier: Apache-2.0
internal import Keys
public import Wire

/// Why a datagram is no KRPC message. Nothing is answered to it.
public enum KRPCError: Error, Equatable {
    case notBencoding(BencodeError)
    /// No `t` of 1 to ``KRPCMessage/maximumTransaction`` bytes, or no known `y`.
    case notMessage
    /// A response or an error without the fields that make one.
    case incomplete
}

extension KRPCMessage {
    /// The longest `t` that we echo, in bytes. Others use 2 to 8.
    public static let maximumTransaction = 32
    /// At most this many nodes or peers are taken from one message.
    static let maximumContacts = 100

    /// Reads a datagram as it came from the network; keys may stand in any order.
    public init(parsing datagram: [UInt8]) throws(KRPCError) {
        let message: BencodeNode
        do {
            message = try Bencode.parse(datagram, mode: .tolerant, limits: .datagram)
        } catch { throw .notBencoding(error) }
        guard let transaction = message["t"]?.bytes, (1...Self.maximumTransaction).contains(transaction.count),
            let kind = message["y"]?.bytes, kind.count == 1
        else { throw .notMessage }
        self.init(transaction: Array(transaction), body: try Self.body(of: message, kind: kind.first ?? 0))
        isReadOnly = message["ro"]?.integer == 1
        observedEndpoint = message["ip"]?.bytes.flatMap { Endpoint(compact: $0) }
        version = message["v"]?.bytes.map { Array($0.prefix(16)) }
    }

    private static func body(of message: BencodeNode, kind: UInt8) throws(KRPCError) -> Body {
        switch kind {
        case UInt8(ascii: "q"):
            do throws(KRPCFault) {
                return .query(try KRPCQuery(parsing: message))
            } catch { return .malformedQuery(error) }
        case UInt8(ascii: "r"):
            guard let fields = message["r"], let response = KRPCResponse(parsing: fields) else { throw .incomplete }
            return .response(response)
        case UInt8(ascii: "e"):
            guard let parts = message["e"]?.list, let code = parts.first?.integer else { throw .incomplete }
            let text = parts.dropFirst().first?.bytes ?? []
            return .fault(KRPCFault(code: code, text: String(repairing: text, atMost: KRPCFault.maximumTextByteCount)))
        default: throw .notMessage
        }
    }
}

extension KRPCQuery {
    init(parsing message: BencodeNode) throws(KRPCFault) {
        guard let name = message["q"]?.bytes, let arguments = message["a"],
            let sender = arguments["id"]?.fixed(NodeID.self)
        else { throw .protocolError }
        self.init(sender: sender, method: try Self.method(String(decoding: name.prefix(32), as: UTF8.self), arguments))
        withoutSeeds = arguments["noseed"]?.integer == 1
        for wanted in arguments["want"]?.list?.prefix(8) ?? [] {
            if wanted.string == "n4" { want.insert(.v4) }
            if wanted.string == "n6" { want.insert(.v6) }
        }
    }

    private static func method(_ name: String, _ arguments: BencodeNode) throws(KRPCFault) -> Method {
        let target = (arguments["target"] ?? arguments["info_hash"])?.fixed(NodeID.self)
        switch name {
        case "ping": return .ping
        case "announce_peer": return .announcePeer(try KRPCAnnounce(parsing: arguments))
        case "put": return .put(try KRPCPut(parsing: arguments))
        case _ where ZoneQuery.names.contains(name): return .zone(try ZoneQuery(parsing: arguments, name: name))
        case "find_node", "get_peers", "get", "sample_infohashes": break
        default:
            guard let target else { throw .unknownMethod }
            return .other(target: target)
        }
        guard let target else { throw .protocolError }
        switch name {
        case "find_node": return .findNode(target: target)
        case "get_peers":
            return arguments["scrape"]?.integer == 1 ? .scrape(infoHash: target) : .getPeers(infoHash: target)
        case "sample_infohashes": return .sampleInfohashes(target: target)
        default: return .get(target: target, sequence: arguments["seq"]?.integer)
        }
    }
}

extension KRPCAnnounce {
    fileprivate init(parsing arguments: BencodeNode) throws(KRPCFault) {
        guard let infoHash = arguments["info_hash"]?.fixed(Digest160.self),
            let token = arguments["token"]?.bytes
        else { throw .protocolError }
        self.init(infoHash: infoHash, port: nil, token: Array(token))
        isSeed = arguments["seed"]?.integer == 1
        if let implied = arguments["implied_port"]?.integer, implied != 0 { return }
        guard let number = arguments["port"]?.integer, let port = UInt16(exactly: number), port != 0 else {
            throw .protocolError
        }
        self.port = port
    }
}

extension KRPCPut {
    fileprivate init(parsing arguments: BencodeNode) throws(KRPCFault) {
        guard let token = arguments["token"]?.bytes, let value = arguments["v"]?.raw else { throw .protocolError }
        guard value.count <= DHTSpecification.maximumValue else { throw .valueTooLarge }
        self.init(token: Array(token), value: Array(value), mutable: nil)
        guard let key = arguments["k"] else { return }
        let salt = arguments["salt"]?.bytes ?? []
        guard salt.count <= DHTSpecification.maximumSalt else { throw .saltTooLarge }
        guard let key = key.fixed(PublicKey.self), let signature = arguments["sig"]?.fixed(Signature.self),
            let sequence = arguments["seq"]?.integer, sequence >= 0
        else { throw .protocolError }
        mutable = Mutable(
            key: key,
            salt: Array(salt),
            sequence: sequence,
            signature: signature,
            expectedSequence: arguments["cas"]?.integer
        )
    }
}

extension KRPCResponse {
    init?(parsing fields: BencodeNode) {
        guard let sender = fields["id"]?.fixed(NodeID.self) else { return nil }
        self.init(sender: sender)
        let limit = KRPCMessage.maximumContacts
        if let bytes = fields["nodes"]?.bytes {
            nodes = Contact.list(compact: bytes, family: .v4, limit: limit)
            families.insert(.v4)
        }
        if let bytes = fields["nodes6"]?.bytes {
            nodes6 = Contact.list(compact: bytes, family: .v6, limit: limit)
            families.insert(.v6)
        }
        token = fields["token"]?.bytes.flatMap { $0.count <= 128 ? Array($0) : nil }
        values = (fields["values"]?.list ?? []).prefix(limit)
            .compactMap { $0.bytes.flatMap { Endpoint(compact: $0) } }
            .filter { $0.isReachable }
        value = fields["v"].flatMap { $0.raw.count <= DHTSpecification.maximumValue ? Array($0.raw) : nil }
        key = fields["k"]?.fixed(PublicKey.self)
        sequence = fields["seq"]?.integer
        signature = fields["sig"]?.fixed(Signature.self)
        seedFilter = fields["BFsd"]?.bytes.flatMap { BloomFilter($0) }
        peerFilter = fields["BFpe"]?.bytes.flatMap { BloomFilter($0) }
        zone = ZoneAnswer(parsing: fields)
        samples = fields["samples"]?.bytes.map { KRPCSamples(compact: $0, fields["num"], fields["interval"]) }
    }
}

extension KRPCSamples {
    /// The most hashes taken from one answer: what fits a datagram.
    static let limit = 128

    fileprivate init(compact bytes: ArraySlice<UInt8>, _ total: BencodeNode?, _ interval: BencodeNode?) {
        var reader = ByteReader(Array(bytes))
        var infoHashes: [Digest160] = []
        while infoHashes.count < Self.limit, let hash = reader.read(Digest160.self) { infoHashes.append(hash) }
        self.init(
            infoHashes: infoHashes,
            total: max(0, total?.integer ?? Int64(infoHashes.count)),
            interval: min(max(0, interval?.integer ?? 0), 21_600)
        )
    }
}
