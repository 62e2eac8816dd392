// SPDX-License-Identifier: Apache-2.0

/// A value to be written as bencoding. Always written canonically: keys ascend, integers are minimal.
public enum BencodeValue: Hashable, Sendable {
    case integer(Int64)
    case bytes([UInt8])
    case list([BencodeValue])
    case dictionary([[UInt8]: BencodeValue])
    /// Bytes that are already one bencoded value, such as a received info dictionary; written as they are.
    case raw([UInt8])

    /// A byte string: the UTF-8 of `text`.
    public static func string(_ text: String) -> BencodeValue { .bytes(Array(text.utf8)) }

    /// A dictionary whose keys are texts.
    public static func dictionary(_ entries: [String: BencodeValue]) -> BencodeValue {
        .dictionary(Dictionary(uniqueKeysWithValues: entries.map { (Array($0.key.utf8), $0.value) }))
    }

    /// The one canonical encoding: keys ascend as raw bytes. Values in ``raw(_:)`` are not looked into.
    public var encoded: [UInt8] {
        var bytes: [UInt8] = []
        encode(into: &bytes)
        return bytes
    }

    func encode(into bytes: inout [UInt8]) {
        switch self {
        case .integer(let value): bytes.append(bencoded: value)
        case .bytes(let content): bytes.append(bencoded: content)
        case .raw(let value): bytes += value
        case .list(let elements):
            bytes.append(UInt8(ascii: "l"))
            for element in elements { element.encode(into: &bytes) }
            bytes.append(UInt8(ascii: "e"))
        case .dictionary(let entries):
            bytes.append(UInt8(ascii: "d"))
            for (key, value) in entries.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
                bytes.append(bencoded: key)
                value.encode(into: &bytes)
            }
            bytes.append(UInt8(ascii: "e"))
        }
    }
}

extension BencodeValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    /// The byte string of the literal's UTF-8.
    public init(stringLiteral value: String) { self = .string(value) }
    /// An integer.
    public init(integerLiteral value: Int64) { self = .integer(value) }
    /// A list.
    public init(arrayLiteral elements: BencodeValue...) { self = .list(elements) }
    /// A dictionary; the keys must differ.
    public init(dictionaryLiteral elements: (String, BencodeValue)...) {
        self = .dictionary(Dictionary(uniqueKeysWithValues: elements.map { (Array($0.0.utf8), $0.1) }))
    }
}

/// The pieces of bencoding, for hot paths that know their keys' order.
extension [UInt8] {
    /// Appends an integer: `i42e`.
    public mutating func append(bencoded value: Int64) {
        append(UInt8(ascii: "i"))
        append(contentsOf: String(value).utf8)
        append(UInt8(ascii: "e"))
    }

    /// Appends a byte string: its length in decimal, a colon, its bytes.
    public mutating func append(bencoded content: some Collection<UInt8>) {
        append(contentsOf: String(content.count).utf8)
        append(UInt8(ascii: ":"))
        append(contentsOf: content)
    }

    /// Appends a byte string from a literal, without an allocation: the keys of a message.
    public mutating func append(bencoded text: StaticString) {
        text.withUTF8Buffer { unsafe append(bencoded: $0) }
    }
}
