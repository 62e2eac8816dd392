// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension ConformanceTopic {
    static let cbor = ConformanceTopic(name: "cbor", checks: [("rfc8949-appendix-a.json", checkCBOR)])

    private struct Case: Decodable {
        var hex: String
        var roundtrip: Bool
        var decoded: JSONValue?
        var diagnostic: String?
    }

    /// Rule: our CBOR is deterministic and has no floats, tags, undefined or other simple values. What is not
    /// deterministic (`roundtrip` false) or starts with one of those must be refused; everything else must read as the
    /// value given and write the same bytes.
    private static func checkCBOR(_ folder: VectorFolder, _ result: inout ConformanceResult) throws {
        for vector in try folder.json("rfc8949-appendix-a.json", as: [Case].self) {
            let bytes = try VectorFolder.hex(vector.hex)
            let first = try VectorFolder.require(bytes.first, "a value")
            let isOurs = vector.roundtrip && (first >> 5 < 6 || (0xF4...0xF6).contains(first))
            guard isOurs else {
                result.check(vector.hex, (try? CBOR.decode(bytes)) == nil, "accepted")
                continue
            }
            let value = try? CBOR.decode(bytes)
            let isExpected = value.map { value in
                if let diagnostic = vector.diagnostic { return value.diagnostic == diagnostic }
                return value.matches(vector.decoded ?? .null)
            }
            result.check(
                vector.hex,
                isExpected == true && value?.encoded == bytes,
                "got \(value.map(\.diagnostic) ?? "nothing")"
            )
        }
    }
}

extension CBOR {
    /// Diagnostic notation (RFC 8949 §8).
    fileprivate var diagnostic: String {
        switch self {
        case .unsigned(let value): "\(value)"
        case .negative(let value): value == .max ? "-18446744073709551616" : "-\(value + 1)"
        case .bytes(let value): "h'\(Hex.encode(value))'"
        case .text(let value): "\"\(value)\""
        case .array(let elements): "[\(elements.map(\.diagnostic).joined(separator: ", "))]"
        case .map(let map):
            "{\(map.entries.map { "\($0.key.diagnostic): \($0.value.diagnostic)" }.joined(separator: ", "))}"
        case .bool(let value): "\(value)"
        case .null: "null"
        }
    }

    fileprivate func matches(_ json: JSONValue) -> Bool {
        switch (self, json) {
        case (.unsigned(let value), .unsigned(let expected)): return value == expected
        case (.negative, .signed(let expected)): return integer == expected
        case (.text(let value), .string(let expected)): return value.utf8.elementsEqual(expected.utf8)
        case (.bool(let value), .bool(let expected)): return value == expected
        case (.null, .null): return true
        case (.array(let values), .array(let expected)):
            return values.count == expected.count && zip(values, expected).allSatisfy { $0.matches($1) }
        case (.map(let map), .object(let expected)):
            return map.count == expected.count
                && expected.allSatisfy { key, value in map[key]?.matches(value) ?? false }
        default: return false
        }
    }
}
