// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing
import Wire

@testable import BitTorrent

@Suite("Messages of extensions")
struct PeerExtensionTests {
    @Test("BEP 6: the allowed fast sets are those of the specification's example")
    func allowedFast() throws {
        let hash = try #require(Digest160(Array(repeating: 0xAA, count: 20)))
        let address = try #require(IPAddress("80.4.4.200"))
        let nine = [1059, 431, 808, 1217, 287, 376, 1188, 353, 508]
        #expect(AllowedFastSet.pieces(for: address, infoHash: hash, pieceCount: 1313, size: 9) == nine)
        #expect(AllowedFastSet.pieces(for: address, infoHash: hash, pieceCount: 1313, size: 7) == Array(nine.prefix(7)))
        let neighbour = try #require(IPAddress("80.4.4.1"))
        #expect(AllowedFastSet.pieces(for: neighbour, infoHash: hash, pieceCount: 1313, size: 9) == nine)
        #expect(AllowedFastSet.pieces(for: address, infoHash: hash, pieceCount: 4) == [0, 1, 2, 3])
        #expect(AllowedFastSet.pieces(for: .v6(high: 1, low: 1), infoHash: hash, pieceCount: 1313).isEmpty)
    }

    @Test("BEP 40: priorities are those of the specification's examples, and the same from both sides")
    func priority() throws {
        func endpoint(_ text: String) throws -> Endpoint { try #require(Endpoint(text)) }
        let client = try endpoint("123.213.32.10:1")
        for (other, expected) in [("98.76.54.32:2", 0xec2d_7224), ("123.213.32.234:3", 0x9956_8189 as UInt32)] {
            let peer = try endpoint(other)
            #expect(PeerPriority.of(client, peer) == expected)
            #expect(PeerPriority.of(peer, client) == expected)
        }
        // One host: by ports. Within one /16, and one /48: one byte more counts.
        #expect(PeerPriority.of(client, try endpoint("123.213.32.10:9")) == CRC32C.checksum([0, 1, 0, 9]))
        #expect(
            PeerPriority.of(client, try endpoint("123.213.99.255:9"))
                == CRC32C.checksum([123, 213, 32, 0, 123, 213, 99, 0x55])
        )
        let six = try endpoint("[2001:db8:1:ff00::1]:1")
        let near = try endpoint("[2001:db8:1:00ff::2]:1")
        let masked: [UInt8] = [0x20, 1, 0xD, 0xB8, 0, 1]
        #expect(
            PeerPriority.of(six, near)
                == CRC32C.checksum(
                    masked + [0, 0x55] + Array(repeating: 0, count: 8) + masked + [0xFF, 0]
                        + Array(repeating: 0, count: 7) + [1]
                )
        )
        #expect(PeerPriority.of(client, six) == 0)
    }

    @Test("Our address is what three networks agree on, and no single peer can change it")
    func externalAddress() {
        var address = ExternalAddress()
        let (true_, false_) = (IPAddress.v4(0x0808_0808), IPAddress.v4(0x0909_0909))
        for voter in 1...2 { _ = address.told(true_, by: .v4(UInt32(voter))) }
        #expect(address.current == nil)
        let hasChanged = address.told(true_, by: .v4(3))
        #expect(hasChanged)
        for _ in 0..<50 { _ = address.told(false_, by: .v4(4)) }
        #expect(address.current == true_)
    }

    @Test("BEP 11: a message's bytes, both families, with flags")
    func exchange() throws {
        let bytes: [UInt8] =
            Array("d5:added12:".utf8) + [1, 2, 3, 4, 0x1A, 0xE1, 5, 6, 7, 8, 0, 80] + Array("7:added.f2:".utf8) + [
                0x12, 0x00,
            ]
            + Array("6:added618:".utf8) + [0x20, 1] + Array(repeating: 0, count: 13) + [1, 0x1A, 0xE1]
            + Array("8:added6.f1:".utf8) + [0x0C] + Array("7:dropped6:".utf8) + [9, 9, 9, 9, 0, 9] + Array("e".utf8)
        let message = try PeerExchangeMessage(parsing: bytes, id: 1)
        let contacts = [
            PeerExchangeMessage.Contact(Endpoint(.v4(0x0102_0304), port: 6881), [.reachable, .uploadOnly]),
            PeerExchangeMessage.Contact(Endpoint(.v4(0x0506_0708), port: 80)),
            PeerExchangeMessage.Contact(Endpoint(.v6(high: 0x2001 << 48, low: 1), port: 6881), [.utp, .holepunch]),
        ]
        #expect(message.added == contacts)
        #expect(message.dropped == [Endpoint(.v4(0x0909_0909), port: 9)])
        #expect(message.encoded == bytes)
    }

    @Test("BEP 11: short flags, half contacts, port 0 and thousands of contacts are borne")
    func hostileExchange() throws {
        let contact: [UInt8] = [1, 2, 3, 4, 0, 5]
        let many: [UInt8] = Array(repeating: contact, count: 5000).flatMap { $0 } + [1, 2]
        let flood: BencodeValue = ["added": .bytes(many), "added.f": "x", "dropped": .bytes([0, 0, 0, 0, 0, 0])]
        let message = try PeerExchangeMessage(parsing: flood.encoded, id: 1)
        #expect(message.added.count == PeerExchangeMessage.maximumRead)
        #expect(message.dropped.isEmpty)
        for bytes in HostileInput.mutations(of: flood.encoded.prefix(400).map { $0 }, count: 300, seed: 11) {
            _ = try? PeerExchangeMessage(parsing: bytes, id: 1)
            _ = try? HolepunchMessage.parse(bytes, id: 1)
            _ = try? DoNotHave.parse(bytes, id: 1)
        }
        #expect(throws: PeerWireError.self) { try PeerExchangeMessage(parsing: [0x69], id: 1) }
    }

    @Test("BEP 55: messages' bytes; the code of an error; other kinds are ignored")
    func holepunch() throws {
        let peer = Endpoint(.v4(0x0A0B_0C0D), port: 0x1AE1)
        let bytes: [UInt8] = [1, 0, 10, 11, 12, 13, 0x1A, 0xE1, 0, 0, 0, 0]
        #expect(HolepunchMessage(.connect, peer).encoded == bytes)
        #expect(try HolepunchMessage.parse(bytes, id: 1) == HolepunchMessage(.connect, peer))
        let six = Endpoint(.v6(high: 0x2001 << 48, low: 7), port: 9)
        let refusal = HolepunchMessage(.error, six, failure: .noSupport)
        #expect(refusal.encoded == [2, 1, 0x20, 1] + Array(repeating: 0, count: 13) + [7, 0, 9, 0, 0, 0, 3])
        #expect(try HolepunchMessage.parse(refusal.encoded, id: 1) == refusal)
        #expect(try HolepunchMessage.parse([9] + bytes.dropFirst(), id: 1) == nil)
        #expect(throws: PeerWireError.self) { try HolepunchMessage.parse(Array(bytes.prefix(6)), id: 1) }
    }
}
