// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import TestSupport
import Testing
import Wire

@Suite("Peer wire messages")
struct PeerMessageTests {
    static let root = Digest256(Array(repeating: 7, count: 32)) ?? .zero
    static let range = HashRequest(piecesRoot: root, baseLayer: 1, index: 512, length: 2, proofLayers: 9)
    static let block = BlockRange(piece: 1, offset: 16_384, length: 512)
    static let samples: [PeerMessage] = [
        .keepAlive, .choke, .unchoke, .interested, .notInterested, .have(77), .bitfield([0xF0, 0x80]),
        .request(block), .cancel(block), .port(6881), .suggest(3), .haveAll, .haveNone, .reject(block), .allowedFast(9),
        .extended(id: 0, payload: Array("d1:md11:ut_metadatai3eee".utf8)), .hashRequest(range),
        .hashes(range, [root, root, .zero]), .hashReject(range),
    ]

    static func events(_ bytes: [UInt8], portion: Int, bitfieldBytes: Int = 64) throws -> [PeerMessageParser.Event] {
        var parser = PeerMessageParser(limits: .init(bitfieldBytes: bitfieldBytes))
        var events: [PeerMessageParser.Event] = []
        var start = 0
        while start < bytes.count {
            let input = Array(bytes[start..<min(start + portion, bytes.count)])
            var offset = 0
            while let event = try parser.next(input.span, offset: &offset) { events.append(event) }
            #expect(offset == input.count)
            start += portion
        }
        return events
    }

    @Test(
        "BEP 3, 6, 10, 52: every message is read as it was written, in portions of any size",
        arguments: [1, 3, 7, 1000]
    )
    func roundTrip(portion: Int) throws {
        var bytes: [UInt8] = []
        for message in Self.samples { message.encode(into: &bytes) }
        let expected = Self.samples.map { PeerMessageParser.Event.message($0) }
        #expect(try Self.events(bytes, portion: portion) == expected)
    }

    @Test("Bytes on the wire are those of BEP 3, 6 and 52")
    func wireFormat() {
        #expect(Hex.encode(PeerMessage.keepAlive.encoded) == "00000000")
        #expect(Hex.encode(PeerMessage.have(258).encoded) == "000000050400000102")
        #expect(Hex.encode(PeerMessage.request(Self.block).encoded) == "0000000d06000000010000400000000200")
        #expect(Hex.encode(PeerMessage.haveAll.encoded) == "000000010e")
        #expect(Hex.encode(PeerMessage.reject(Self.block).encoded) == "0000000d10000000010000400000000200")
        let request = PeerMessage.hashRequest(Self.range).encoded
        #expect(Hex.encode(request) == "0000003115" + Self.root.hex + "00000001" + "00000200" + "00000002" + "00000009")
        var header: [UInt8] = []
        PeerMessage.encodePieceHeader(Self.block, into: &header)
        #expect(Hex.encode(header) == "00000209070000000100004000")
    }

    @Test("A piece's payload comes as ranges of the input, never collected", arguments: [5, 13, 64, 4096])
    func payload(portion: Int) throws {
        var bytes: [UInt8] = []
        PeerMessage.encodePieceHeader(BlockRange(piece: 4, offset: 0, length: 300), into: &bytes)
        bytes += Array(repeating: 9, count: 300)
        PeerMessage.choke.encode(into: &bytes)
        let events = try Self.events(bytes, portion: portion)
        #expect(events.first == .block(BlockRange(piece: 4, offset: 0, length: 300)))
        #expect(events.last == .message(.choke))
        let payload = events.reduce(0) { sum, event in
            if case .payload(let range) = event { return sum + range.count }
            return sum
        }
        #expect(payload == 300)
    }

    @Test("Unknown messages are skipped, even of one byte")
    func unknown() throws {
        let bytes: [UInt8] = [0, 0, 0, 1, 99, 0, 0, 0, 3, 100, 1, 2] + PeerMessage.choke.encoded
        #expect(try Self.events(bytes, portion: 2) == [.message(.choke)])
    }

    @Test("What is longer than its kind may be is refused with its header")
    func oversized() {
        func error(_ id: UInt8, _ length: UInt32) -> PeerWireError? {
            var bytes: [UInt8] = []
            bytes.append(bigEndian: length)
            bytes.append(id)
            do { _ = try Self.events(bytes, portion: 16) } catch { return error as? PeerWireError }
            return nil
        }
        for id in [UInt8(0), 4, 5, 6, 7, 8, 9, 13, 14, 15, 16, 17, 20, 21, 22, 23, 24, 255] {
            #expect(error(id, .max) == .messageTooLong(id: id, length: .max))
        }
        #expect(error(7, 131_072 + 9) == nil)
        #expect(error(7, 131_072 + 10) == .messageTooLong(id: 7, length: 131_082))
        #expect(error(5, 65) == nil)
        #expect(error(5, 66) == .messageTooLong(id: 5, length: 66))
        #expect(error(4, 4) == .malformed(id: 4, length: 4))
        #expect(error(22, 48) == .malformed(id: 22, length: 48))
    }

    @Test("Damaged streams give messages or an error, never a trap")
    func hostile() {
        var stream: [UInt8] = []
        for message in Self.samples { message.encode(into: &stream) }
        PeerMessage.encodePieceHeader(BlockRange(piece: 4, offset: 0, length: 40), into: &stream)
        stream += Array(repeating: 1, count: 40)
        let cases = HostileInput.mutations(of: stream, count: 4000, seed: 52) + HostileInput.truncations(of: stream)
        for bytes in cases {
            _ = try? Self.events(bytes, portion: 61)
        }
    }
}
