// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing
import Wire

@testable import BitTorrent

@Suite("Obfuscated handshakes recorded by Transmission")
struct ObfuscationCaptureTests {
    private struct Capture: Decodable {
        struct Side: Decodable {
            var publicKey: String
            var rest: String
            var peerID: String
            var requestMark: String?
        }
        var privateKey: String
        var infohash: String
        var incoming: Side
        var outgoing: Side
    }

    private static func load() throws -> (Capture, key: [UInt8], hash: Digest160) {
        let capture = try Vectors.json("mse/transmission-captures.json", as: Capture.self)
        return (
            capture, try #require(Hex.decode(capture.privateKey)), try #require(Digest160(hex: capture.infohash))
        )
    }

    @Test("Transmission 3.00 dials: its torrent, and its handshake as initial payload", arguments: [1, 1000])
    func incoming(fragment: Int) throws {
        let (capture, key, hash) = try Self.load()
        var hashes = ObfuscatedHashes()
        hashes.insert(hash)
        var connection = ObfuscatedConnection(
            isInitiator: false,
            methods: [.plain, .rc4],
            privateKey: key,
            padding: [1, 2, 3],
            trailingPadding: 0
        )
        let bytes = try #require(Hex.decode(capture.incoming.publicKey + capture.incoming.rest))
        var received: [UInt8] = []
        var sent: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: fragment) {
            var part = Array(bytes[start..<min(start + fragment, bytes.count)])
            if connection.isEstablished {
                connection.decrypt(&part)
                received += part
            } else {
                let output = try connection.receive(part) { hashes.hash(named: $0) }
                received += output.received
                sent += output.send
            }
        }
        #expect(connection.hash == hash)
        let handshake = try #require(try Handshake.parse(received[...]))
        #expect(handshake.hash == hash)
        #expect(handshake.peerID.hex == capture.incoming.peerID)
        // Key, padding, and what was chosen, without padding.
        #expect(sent.count == 96 + 3 + 14)
    }

    @Test("qBittorrent 4.2.5 answers: our mark is the recorded one, its handshake follows", arguments: [1, 1000])
    func outgoing(fragment: Int) throws {
        let (capture, key, hash) = try Self.load()
        var connection = ObfuscatedConnection(
            isInitiator: true,
            methods: [.plain, .rc4],
            privateKey: key,
            padding: [],
            trailingPadding: 0
        )
        connection.hash = hash
        let request = try connection.receive(try #require(Hex.decode(capture.outgoing.publicKey))).send
        #expect(Hex.encode(Array(request.prefix(20))) == capture.outgoing.requestMark)
        let bytes = try #require(Hex.decode(capture.outgoing.rest))
        var received: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: fragment) {
            var part = Array(bytes[start..<min(start + fragment, bytes.count)])
            if connection.isEstablished {
                connection.decrypt(&part)
                received += part
            } else {
                received += try connection.receive(part).received
            }
        }
        let handshake = try #require(try Handshake.parse(received[...]))
        // Three bytes of the hash differ from the torrent's in the recording itself.
        #expect(handshake.hash.hex == "2c6b6858d61da9543d4231a71db4b1f1c5cb0685")
        #expect(handshake.peerID.hex == capture.outgoing.peerID)
    }
}
