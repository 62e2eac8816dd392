// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Wire

extension ConformanceTopic {
    static let bencode = ConformanceTopic(name: "bencode", checks: [("bencode.json", checkBencode)])

    private struct Cases: Decodable {
        struct Case: Decodable {
            var hex: String
            var note: String
        }
        var accept: [Case]
        var reject: [Case]
    }

    private static func checkBencode(_ folder: VectorFolder, _ result: inout ConformanceResult) throws {
        let cases: Cases = try folder.json("bencode.json")
        for vector in cases.accept {
            let bytes = try VectorFolder.hex(vector.hex)
            let tolerant = try? Bencode.parse(bytes, mode: .tolerant)
            let strict = try? Bencode.parse(bytes, mode: .strict)
            // Unsorted keys are for the tolerant reader only.
            let isCanonical = !vector.note.contains("not sorted")
            let holds = tolerant?.raw.elementsEqual(bytes) == true && (strict != nil) == isCanonical
            result.check("accept \(vector.note)", holds, "tolerant \(tolerant != nil), strict \(strict != nil)")
        }
        for vector in cases.reject {
            let bytes = try VectorFolder.hex(vector.hex)
            let accepted = [Bencode.Mode.tolerant, .strict].contains { (try? Bencode.parse(bytes, mode: $0)) != nil }
            result.check("reject \(vector.note)", !accepted, "accepted")
        }
    }

    // MARK: torrents/bencode_cases.json

    private struct UpstreamCases: Decodable {
        struct Case: Decodable {
            var name: String
            var input_base64: Data
            var upstream: String
            var canonical: Bool?
            var value: TypedValue?
        }
        var cases: [Case]
    }

    static func checkBencodeCases(_ folder: VectorFolder, _ result: inout ConformanceResult) throws {
        let cases: UpstreamCases = try folder.json("bencode_cases.json")
        for vector in cases.cases {
            let bytes = Array(vector.input_base64)
            let name = "\(vector.name) \(String(decoding: bytes.prefix(40), as: UTF8.self))"
            let node = try? Bencode.parse(bytes, mode: .tolerant)
            let isStrict = (try? Bencode.parse(bytes, mode: .strict)) != nil
            if vector.upstream != "accept" {
                result.check(name, node == nil && !isStrict, "accepted")
            } else if vector.value?.isBeyond64Bits == true {
                // Rule: integers have 64 bits. No field of any format that we read needs more.
                result.check(name, node == nil, "an integer beyond 64 bits was accepted")
            } else {
                let matches = node.map { vector.value?.matches($0) ?? true } ?? false
                result.check(name, matches && isStrict == vector.canonical, "value \(matches), strict \(isStrict)")
            }
        }
    }

    /// `{"int": …}`, `{"bytes_hex": …}`, `{"list": […]}` or `{"dict": [[key in hex, …], …]}`.
    private indirect enum TypedValue: Decodable {
        case int(String)
        case bytes(String)
        case list([TypedValue])
        case dict([Entry])

        struct Entry: Decodable {
            var key: String
            var value: TypedValue

            init(from decoder: any Decoder) throws {
                var container = try decoder.unkeyedContainer()
                key = try container.decode(String.self)
                value = try container.decode(TypedValue.self)
            }
        }

        private enum Key: String, CodingKey {
            case int
            case bytes = "bytes_hex"
            case list
            case dict
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Key.self)
            switch container.allKeys.first {
            case .int: self = .int(try container.decode(String.self, forKey: .int))
            case .bytes: self = .bytes(try container.decode(String.self, forKey: .bytes))
            case .list: self = .list(try container.decode([TypedValue].self, forKey: .list))
            case .dict: self = .dict(try container.decode([Entry].self, forKey: .dict))
            case nil: throw VectorFolder.Unreadable(description: "a value of no known type")
            }
        }

        var isBeyond64Bits: Bool {
            if case .int(let text) = self { return Int64(text) == nil }
            return false
        }

        func matches(_ node: BencodeNode) -> Bool {
            switch self {
            case .int(let text): return node.integer.map { String($0) == text } ?? false
            case .bytes(let hex): return node.bytes.map { Hex.encode($0) == hex } ?? false
            case .list(let elements):
                guard let list = node.list, list.count == elements.count else { return false }
                return zip(elements, list).allSatisfy { $0.matches($1) }
            case .dict(let entries):
                guard let read = node.entries, read.count == entries.count else { return false }
                return zip(entries, read).allSatisfy { $0.key == Hex.encode($1.key) && $0.value.matches($1.value) }
            }
        }
    }
}
