// SPDX-License-Identifier: Apache-2.0

extension CBOR {
    enum MajorType: UInt8 { case unsigned, negative, bytes, text, array, map, tag, simple }

    static let simpleFalse: UInt8 = 0xF4
    static let simpleTrue: UInt8 = 0xF5
    static let simpleNull: UInt8 = 0xF6

    /// The one encoding of the value.
    public var encoded: [UInt8] {
        var bytes: [UInt8] = []
        encode(into: &bytes)
        return bytes
    }

    /// Appends ``encoded``.
    public func encode(into bytes: inout [UInt8]) {
        switch self {
        case .unsigned(let value): Self.appendHead(.unsigned, value, to: &bytes)
        case .negative(let value): Self.appendHead(.negative, value, to: &bytes)
        case .bytes(let content):
            Self.appendHead(.bytes, UInt64(content.count), to: &bytes)
            bytes += content
        case .text(let content):
            Self.appendHead(.text, UInt64(content.utf8.count), to: &bytes)
            bytes += content.utf8
        case .array(let elements):
            Self.appendHead(.array, UInt64(elements.count), to: &bytes)
            for element in elements { element.encode(into: &bytes) }
        case .map(let map):
            Self.appendHead(.map, UInt64(map.count), to: &bytes)
            for entry in map.entries {
                entry.key.encode(into: &bytes)
                entry.value.encode(into: &bytes)
            }
        case .bool(let value): bytes.append(value ? Self.simpleTrue : Self.simpleFalse)
        case .null: bytes.append(Self.simpleNull)
        }
    }

    /// Major type and argument in the shortest form (RFC 8949 §4.2.1).
    private static func appendHead(_ type: MajorType, _ argument: UInt64, to bytes: inout [UInt8]) {
        let major = type.rawValue << 5
        switch argument {
        case 0..<24: bytes.append(major | UInt8(argument))
        case 24..<1 << 8: bytes += [major | 24, UInt8(argument)]
        case 1 << 8..<1 << 16:
            bytes.append(major | 25)
            bytes.append(bigEndian: UInt16(argument))
        case 1 << 16..<1 << 32:
            bytes.append(major | 26)
            bytes.append(bigEndian: UInt32(argument))
        default:
            bytes.append(major | 27)
            bytes.append(bigEndian: argument)
        }
    }
}
