// SPDX-License-Identifier: Apache-2.0
internal import Kademlia
internal import Keys
internal import Wire

extension ConformanceTopic {
    static let krpc = ConformanceTopic(name: "krpc", checks: [("bep5-examples.json", checkMessages)])
    static let bep42 = ConformanceTopic(name: "bep42", checks: [("bep42.json", checkSecuredIDs)])
    static let bep44 = ConformanceTopic(name: "bep44", checks: [("bep44.json", checkItems)])

    // MARK: KRPC

    /// Rule: each example reads as what it is and writes the same bytes again, but for node lists, whose placeholders
    /// in the text are no lists: there, what was read must say the same again.
    private static func checkMessages(_ folder: VectorFolder, _ result: inout ConformanceResult) throws {
        for text in try folder.json("bep5-examples.json", as: [String].self) {
            guard let message = try? KRPCMessage(parsing: Array(text.utf8)) else {
                result.check(text, false, "refused")
                continue
            }
            let hasPlaceholder = text.contains("5:nodes")
            let again = hasPlaceholder ? try? KRPCMessage(parsing: message.encoded) : message
            let isSame = hasPlaceholder ? again == message : message.encoded == Array(text.utf8)
            let holds = isSame && message.transaction == Array("aa".utf8) && describes(message, text)
            result.check(text, holds, "got \(String(decoding: message.encoded, as: UTF8.self))")
        }
    }

    private static func describes(_ message: KRPCMessage, _ text: String) -> Bool {
        switch message.body {
        case .query(let query):
            switch query.method {
            case .ping: text.contains("4:ping")
            case .findNode: text.contains("9:find_node")
            case .getPeers: text.contains("9:get_peers")
            case .announcePeer: text.contains("13:announce_peer")
            default: false
            }
        case .response: text.hasSuffix("1:y1:re")
        case .fault(let fault): text.contains("i\(fault.code)e") && text.contains(fault.text)
        case .malformedQuery: false
        }
    }

    // MARK: BEP 42

    private struct SecuredID: Decodable {
        var ip: String
        var rand: UInt8
        var node_id: String
    }

    private static func checkSecuredIDs(_ folder: VectorFolder, _ result: inout ConformanceResult) throws {
        for vector in try folder.json("bep42.json", as: [SecuredID].self) {
            try checkSecuredID(vector.node_id, address: vector.ip, random: vector.rand, &result)
        }
    }

    /// The first 21 bits and the last byte are bound to the address; the others are free.
    static func checkSecuredID(
        _ hex: String,
        address: String,
        random: UInt8,
        _ result: inout ConformanceResult
    ) throws {
        let id = try VectorFolder.require(NodeID(hex: hex), "a node id")
        let address = try VectorFolder.require(IPAddress(address), "an address")
        let boundBitsCount = (0..<21).allSatisfy { !flipping($0, of: id).isSecured(for: address) }
        let freeBitsDoNot = (21..<152).allSatisfy { flipping($0, of: id).isSecured(for: address) }
        let holds = id.isSecured(for: address) && id[19] == random && boundBitsCount && freeBitsDoNot
        result.check("bep42 \(address)", holds, "secured \(id.isSecured(for: address))")
    }

    private static func flipping(_ bit: Int, of id: NodeID) -> NodeID {
        var bytes = id.bytes
        bytes[bit / 8] ^= 0x80 >> UInt8(bit % 8)
        return NodeID(bytes) ?? id
    }

    // MARK: BEP 44

    private struct Items: Decodable {
        struct Mutable: Decodable {
            var v: String
            var seq: Int64
            var salt: String?
            var signed_buffer: String
            var pk: String
            var expanded_sk: String
            var target: String
            var sig: String
        }
        struct Immutable: Decodable {
            var v: String
            var target: String
        }
        var mutable: [Mutable]
        var immutable: [Immutable]
    }

    private static func checkItems(_ folder: VectorFolder, _ result: inout ConformanceResult) throws {
        let items: Items = try folder.json("bep44.json")
        for item in items.mutable {
            try checkMutable(
                MutableVector(
                    value: item.v,
                    salt: item.salt ?? "",
                    sequence: item.seq,
                    signed: item.signed_buffer,
                    key: item.pk,
                    expandedKey: item.expanded_sk,
                    target: item.target,
                    signature: item.sig
                ),
                &result
            )
        }
        for item in items.immutable { checkImmutable(item.v, target: item.target, &result) }
    }

    struct MutableVector {
        var value: String
        var salt: String
        var sequence: Int64
        var signed: String
        var key: String
        var expandedKey: String
        var target: String
        var signature: String
    }

    /// Signing with the expanded key gives the signature; it verifies; over another sequence number it does not.
    static func checkMutable(_ vector: MutableVector, _ result: inout ConformanceResult) throws {
        let value = Array(vector.value.utf8)
        let salt = Array(vector.salt.utf8)
        let expanded = try VectorFolder.hex(vector.expandedKey)
        let key = try VectorFolder.require(SigningKey(expanded: expanded), "an expanded key")
        let signature = try VectorFolder.require(Signature(hex: vector.signature), "a signature")
        let made = try? MutableItem.signed(value: value, salt: salt, sequence: vector.sequence, by: key)
        func read(_ sequence: Int64) -> MutableItem? {
            try? MutableItem(key: key.publicKey, salt: salt, sequence: sequence, value: value, signature: signature)
        }
        let signedBytes = MutableItem.signedBytes(salt: salt, sequence: vector.sequence, value: value)
        let name = "bep44 mutable \(vector.salt)"
        result.check("\(name), key", key.publicKey.hex, is: vector.key)
        result.check("\(name), signed bytes", String(decoding: signedBytes, as: UTF8.self), is: vector.signed)
        result.check("\(name), target", made?.target.hex, is: vector.target)
        result.check("\(name), signature", made?.signature.hex, is: vector.signature)
        result.check("\(name), verifies", read(vector.sequence) == made && read(vector.sequence &+ 1) == nil)
    }

    static func checkImmutable(_ value: String, target: String, _ result: inout ConformanceResult) {
        let item = try? ImmutableItem(value: Array(value.utf8))
        result.check("bep44 immutable", item?.target.hex, is: target)
    }
}
