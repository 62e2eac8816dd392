// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension ConformanceTopic {
    static let quicVarint = ConformanceTopic(name: "quic-varint", checks: [("rfc9000-a1.json", checkVarints)])

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

    private static func checkVarints(_ folder: VectorFolder, _ result: inout ConformanceResult) throws {
        let cases: Cases = try folder.json("rfc9000-a1.json")
        for vector in cases.decode {
            let bytes = try VectorFolder.hex(vector.hex)
            let expected = try VectorFolder.require(UInt64(vector.value), "a number")
            var reader = ByteReader(bytes)
            let value = QUICVarint.read(from: &reader)
            var strictReader = ByteReader(bytes)
            let strict = QUICVarint.read(from: &strictReader, shortestOnly: true)
            // A note marks the one that is longer than needed.
            let isShortest = vector.note == nil
            let holds =
                value == expected && reader.isAtEnd && strict == (isShortest ? expected : nil)
                && (encoded(expected) == bytes) == isShortest
            result.check(vector.hex, holds, "got \(value.map { "\($0)" } ?? "nothing")")
        }
        for range in cases.ranges {
            let greatest = try VectorFolder.require(UInt64(range.max), "a number")
            guard greatest <= QUICVarint.maximum else {
                result.check("up to \(range.max)", false, "beyond the format")
                continue
            }
            let isLast = greatest == QUICVarint.maximum
            let holds =
                encoded(greatest).count == range.bytes && (isLast || encoded(greatest + 1).count == range.bytes * 2)
            result.check("up to \(range.max)", holds, "another length")
        }
    }

    private static func encoded(_ value: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        QUICVarint.append(value, to: &bytes)
        return bytes
    }
}
