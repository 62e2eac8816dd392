// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import TestSupport
import Testing
import Wire

@Suite("Handshakes")
struct HandshakeTests {
    static let hash = Digest160(Array(1...20)) ?? .zero
    static let peerID = Digest160(Array("-RO0100-abcdefghijkl".utf8)) ?? .zero
    static let sample = Handshake(capabilities: [.extensions, .fast, .v2], hash: hash, peerID: peerID)

    @Test("BEP 3, 6, 10, 52: 68 bytes, with the bits where the clauses put them")
    func bytes() throws {
        let bytes = Self.sample.encoded
        #expect(bytes.count == 68)
        #expect(Array(bytes.prefix(20)) == [19] + Array("BitTorrent protocol".utf8))
        #expect(Array(bytes[20..<28]) == [0, 0, 0, 0, 0, 0x10, 0, 0x14])
        #expect(try Handshake.parse(bytes[...]) == Self.sample)
        #expect(try Handshake.parse(bytes.dropLast()) == nil)
        #expect(try Handshake.parsePrefix(bytes.prefix(48))?.hash == Self.hash)
        #expect(try Handshake.parsePrefix(bytes.prefix(47)) == nil)
    }

    @Test("libtorrent's reserved bytes 0000000000100005 mean extensions, fast and DHT")
    func libtorrent() {
        #expect(Handshake.Capabilities(rawValue: 0x10_0005) == [.extensions, .fast, .dht])
    }

    @Test("Another protocol is known by its first wrong byte")
    func otherProtocol() {
        #expect(throws: PeerWireError.notBitTorrent) { try Handshake.parse([19, 66, 105, 88]) }
        #expect(throws: PeerWireError.notBitTorrent) { try Handshake.parse(Array("GET / HTTP/1.1".utf8)[...]) }
    }

    @Test("Damaged handshakes never trap")
    func hostile() {
        for bytes in HostileInput.mutations(of: Self.sample.encoded, count: 1000, seed: 1) {
            _ = try? Handshake.parse(bytes[...])
        }
    }
}

@Suite("Extension messages")
struct ExtensionMessageTests {
    @Test("BEP 10: a handshake is read as it was written")
    func handshake() throws {
        var handshake = ExtensionHandshake()
        handshake.extensions = ["ut_metadata": 3, "ut_pex": 1]
        handshake.client = "Roost"
        handshake.listenPort = 6881
        handshake.requestQueue = 2000
        handshake.yourAddress = .v4(0x7F00_0001)
        handshake.metadataSize = 31_235
        handshake.isUploadOnly = true
        #expect(try ExtensionHandshake(parsing: handshake.encoded) == handshake)
    }

    @Test("BEP 10: the example of the specification is read")
    func example() throws {
        let text = "d1:md11:LT_metadatai1e6:\u{B5}T_PEXi2ee1:pi6881e1:v12:\u{B5}Torrent 1.2e"
        // In Latin-1, as the lengths of the names have it; that of the version counts UTF-8 and is corrected.
        let handshake = try ExtensionHandshake(parsing: text.unicodeScalars.map { UInt8($0.value) })
        #expect(handshake.extensions["LT_metadata"] == 1)
        #expect(handshake.listenPort == 6881)
    }

    @Test("BEP 10: a later handshake changes what it names, and 0 takes an extension back")
    func table() {
        var table = ExtensionTable(names: ["ut_metadata", "ut_pex"])
        var first = ExtensionHandshake()
        first.extensions = ["ut_metadata": 3, "ut_pex": 4]
        table.merge(first)
        var second = ExtensionHandshake()
        second.extensions = ["ut_pex": 0]
        table.merge(second)
        #expect(table.theirs == ["ut_metadata": 3])
        #expect(table.name(of: 2) == "ut_pex")
        #expect(table.name(of: 9) == nil)
    }

    @Test("BEP 9: the three messages of the specification")
    func metadata() throws {
        let request = MetadataMessage.request(piece: 0)
        #expect(String(decoding: request.encoded, as: UTF8.self) == "d8:msg_typei0e5:piecei0ee")
        let data = MetadataMessage.data(piece: 0, totalSize: 3, bytes: [1, 2, 3])
        #expect(data.encoded == Array("d8:msg_typei1e5:piecei0e10:total_sizei3ee".utf8) + [1, 2, 3])
        for message in [request, data, .reject(piece: 0)] {
            #expect(try MetadataMessage.parse(message.encoded, id: 3) == message)
        }
        #expect(try MetadataMessage.parse(Array("d8:msg_typei9e5:piecei0ee".utf8), id: 3) == nil)
        #expect(throws: PeerWireError.malformedExtension(id: 3)) {
            try MetadataMessage.parse(Array("d8:msg_typei0e5:piecei-1ee".utf8), id: 3)
        }
    }

    @Test("Damaged extension messages never trap")
    func hostile() {
        let data = MetadataMessage.data(piece: 1, totalSize: 20_000, bytes: [1, 2, 3]).encoded
        for bytes in HostileInput.mutations(of: data, count: 2000, seed: 9) {
            _ = try? MetadataMessage.parse(bytes, id: 1)
        }
        var handshake = ExtensionHandshake()
        handshake.extensions = ["ut_metadata": 3]
        handshake.yourAddress = .v4(1)
        handshake.requestQueue = 5
        for bytes in HostileInput.mutations(of: handshake.encoded, count: 2000, seed: 10) {
            _ = try? ExtensionHandshake(parsing: bytes)
        }
    }
}
