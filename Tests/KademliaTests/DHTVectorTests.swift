// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Kademlia

@Suite struct DHTVectorTests {
    struct SecuredID: Decodable, Sendable {
        var ip: String
        var rand: UInt8
        var node_id: String
    }

    struct Items: Decodable {
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

    struct Link: Decodable {
        var magnet: String
        var target: String
    }

    @Test("CRC-32C of the nine digits is E3069283, RFC 3720 B.4's polynomial")
    func castagnoli() {
        #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
    }

    @Test("The ids that BEP 42 prints fit their addresses, and no other address")
    func securedIDs() throws {
        for vector in try Vectors.json("bep42/bep42.json", as: [SecuredID].self) {
            let id = try #require(NodeID(hex: vector.node_id))
            let address = try #require(IPAddress(vector.ip))
            #expect(id[19] == vector.rand)
            #expect(id.isSecured(for: address))
            #expect(!id.isSecured(for: .v4(0x0808_0808)))
            #expect(id.isSecured(for: .v4(0x7F00_0001)), "BEP 42 exempts local networks")
        }
    }

    @Test("BEP 42: an id drawn for an address fits it, for IPv4 and IPv6", arguments: [1, 2, 3] as [UInt64])
    func drawnIDs(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        for text in ["124.31.75.21", "2001:4860::8888"] {
            let address = try #require(IPAddress(text))
            #expect(NodeID.secured(for: address, using: &random).isSecured(for: address))
        }
    }

    @Test(
        "BEP 44: buffer, target and signature of the mutable items that it prints",
        arguments: ["bep44/bep44.json", "bep44/bep44-salted.json"]
    )
    func mutableItems(file: String) throws {
        for vector in try Vectors.json(file, as: Items.self).mutable {
            let key = try #require(Hex.decode(vector.expanded_sk).flatMap { SigningKey(expanded: $0) })
            let (value, salt) = (Array(vector.v.utf8), Array((vector.salt ?? "").utf8))
            let buffer = MutableItem.signedBytes(salt: salt, sequence: vector.seq, value: value)
            #expect(String(decoding: buffer, as: UTF8.self) == vector.signed_buffer)
            let item = try MutableItem.signed(value: value, salt: salt, sequence: vector.seq, by: key)
            #expect(item.key.hex == vector.pk)
            #expect(item.signature.hex == vector.sig)
            #expect(item.target.hex == vector.target)
            let read = try MutableItem(
                key: item.key,
                salt: salt,
                sequence: vector.seq,
                value: value,
                signature: item.signature
            )
            #expect(read == item)
            #expect(throws: ItemError.invalidSignature) {
                try MutableItem(
                    key: item.key,
                    salt: salt,
                    sequence: vector.seq + 1,
                    value: value,
                    signature: item.signature
                )
            }
        }
    }

    @Test("BEP 44: the target of an immutable item is the SHA-1 of its bencoding")
    func immutableItems() throws {
        for vector in try Vectors.json("bep44/bep44.json", as: Items.self).immutable {
            #expect(try ImmutableItem(value: Array(vector.v.utf8)).target.hex == vector.target)
        }
    }

    @Test(
        "S2-09, BEP 46: the target of a link's key and salt",
        arguments: ["bep46/bep46.json", "bep46/bep46-salted.json"]
    )
    func links(file: String) throws {
        for vector in try Vectors.json(file, as: [Link].self) {
            let fields = vector.magnet.split(separator: "&")
            let key = try #require(fields.first.flatMap { PublicKey(hex: $0.suffix(64)) })
            let salt = try #require(Hex.decode(fields.count > 1 ? fields[1].dropFirst(2) : ""))
            #expect(MutableItem.target(key: key, salt: salt).hex == vector.target)
        }
    }

    @Test(
        "S3-044, S3-070, BEP 5: each message that it prints is read, and written again byte for byte where its content is kept"
    )
    func examples() throws {
        for text in try Vectors.json("krpc/bep5-examples.json", as: [String].self) {
            let message = try KRPCMessage(parsing: Array(text.utf8))
            #expect(String(decoding: message.transaction, as: UTF8.self) == "aa")
            // The nodes of that one are a placeholder of nine letters.
            guard !text.contains("def456...") else { continue }
            #expect(String(decoding: message.encoded, as: UTF8.self) == text)
        }
    }
}
