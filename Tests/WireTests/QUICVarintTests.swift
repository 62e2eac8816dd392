// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing
import Wire

@Suite("QUIC variable-length integers (RFC 9000 §16)")
struct QUICVarintTests {
    private struct Cases: Decodable {
        struct Case: Decodable {
            var hex: String
            var value: String
            var note: String?
        }
        struct Range: Decodable {
            var bytes: Int
            var max: String
        }
        var decode: [Case]
        var ranges: [Range]
    }

    @Test("S4-06, RFC 9000 appendix A.1: examples decode; the shortest ones encode to the same bytes")
    func examples() throws {
        for vector in try Vectors.json("quic-varint/rfc9000-a1.json", as: Cases.self).decode {
            let bytes = try #require(Hex.decode(vector.hex))
            let value = try #require(UInt64(vector.value))
            var reader = ByteReader(bytes)
            #expect(QUICVarint.read(from: &reader) == value)
            #expect(reader.isAtEnd)
            let isShortest = vector.note == nil
            var strict = ByteReader(bytes)
            #expect(QUICVarint.read(from: &strict, shortestOnly: true) == (isShortest ? value : nil))
            #expect((encoded(value) == bytes) == isShortest)
        }
    }

    @Test("RFC 9000 table 4: each length holds up to its greatest value")
    func ranges() throws {
        for range in try Vectors.json("quic-varint/rfc9000-a1.json", as: Cases.self).ranges {
            let greatest = try #require(UInt64(range.max))
            #expect(encoded(greatest).count == range.bytes)
            if greatest < QUICVarint.maximum { #expect(encoded(greatest + 1).count == range.bytes * 2) }
        }
    }

    @Test("Seeded values of every size come back; cut short they are refused")
    func roundTrip() {
        var random = SplitMix64(seed: 2)
        for _ in 0..<2000 {
            let value = random.next() >> UInt64.random(in: 2..<64, using: &random)
            let bytes = encoded(value)
            var reader = ByteReader(bytes)
            #expect(QUICVarint.read(from: &reader, shortestOnly: true) == value)
            for cut in HostileInput.truncations(of: bytes) {
                var reader = ByteReader(cut)
                #expect(QUICVarint.read(from: &reader) == nil)
            }
        }
    }

    private func encoded(_ value: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        QUICVarint.append(value, to: &bytes)
        return bytes
    }
}
