// SPDX-License-Identifier: Apache-2.0

extension CBOR {
    /// What one input may cost. The defaults are for one signed record; readers of other things set their own.
    public struct Limits: Sendable {
        /// The largest input.
        public var bytes: Int
        /// The deepest nesting of arrays and maps; the decoder recurses that deep, so at most 128.
        public var depth: Int
        /// The most values in one input, keys included. A value takes about 20 bytes of memory beside its content.
        public var values: Int

        /// `depth` must not exceed 128.
        public init(bytes: Int = 65_536, depth: Int = 16, values: Int = 65_536) {
            precondition(depth <= 128, "the decoder recurses once a level")
            self.bytes = bytes
            self.depth = depth
            self.values = values
        }
    }

    /// The one value that `bytes` holds, which encodes back to exactly these bytes.
    public static func decode(
        _ bytes: some Collection<UInt8>,
        limits: Limits = Limits()
    ) throws(CBORError) -> CBOR {
        guard bytes.count <= limits.bytes else { throw .tooLarge(limit: limits.bytes) }
        var decoder = CBORDecoder(bytes: Array(bytes), limits: limits)
        let value = try decoder.readValue(depth: 0)
        guard decoder.offset == decoder.bytes.count else { throw .trailingBytes(offset: decoder.offset) }
        return value
    }
}

private struct CBORDecoder {
    let bytes: [UInt8]
    let limits: CBOR.Limits
    var offset = 0
    private var values = 0

    init(bytes: [UInt8], limits: CBOR.Limits) {
        self.bytes = bytes
        self.limits = limits
    }

    mutating func readValue(depth: Int) throws(CBORError) -> CBOR {
        guard values < limits.values else { throw .tooManyValues(limit: limits.values) }
        values += 1
        guard offset < bytes.count else { throw .truncated(offset: offset) }
        let initial = bytes[offset]
        guard let type = CBOR.MajorType(rawValue: initial >> 5), type != .tag, type != .simple else {
            return try readSimple(initial)
        }
        let argument = try readArgument(initial)
        switch type {
        case .unsigned: return .unsigned(argument)
        case .negative: return .negative(argument)
        case .bytes: return .bytes(Array(try readContent(argument)))
        case .text:
            let start = offset
            guard let text = String(validating: try readContent(argument), as: UTF8.self) else {
                throw .invalidText(offset: start)
            }
            return .text(text)
        default:
            guard depth < limits.depth else { throw .tooDeep(limit: limits.depth) }
            return type == .array
                ? .array(try readElements(count: argument, depth: depth + 1))
                : .map(try readEntries(count: argument, depth: depth + 1))
        }
    }

    private mutating func readSimple(_ initial: UInt8) throws(CBORError) -> CBOR {
        offset += 1
        switch initial {
        case CBOR.simpleFalse: return .bool(false)
        case CBOR.simpleTrue: return .bool(true)
        case CBOR.simpleNull: return .null
        default: throw .unsupported(initialByte: initial, offset: offset - 1)
        }
    }

    /// The number in or behind the first byte.
    private mutating func readArgument(_ initial: UInt8) throws(CBORError) -> UInt64 {
        let start = offset
        let information = initial & 0x1F
        offset += 1
        switch information {
        case 0..<24: return UInt64(information)
        case 24...27:
            let count = 1 << Int(information - 24)
            guard count <= bytes.count - offset else { throw .truncated(offset: start) }
            let value = bytes[offset..<offset + count].bigEndian
            offset += count
            let smallest: UInt64 = count == 1 ? 24 : 1 << UInt64(count * 4)
            guard value >= smallest else { throw .notShortest(offset: start) }
            return value
        case 31: throw .indefiniteLength(offset: start)
        default: throw .unsupported(initialByte: initial, offset: start)
        }
    }

    private mutating func readContent(_ count: UInt64) throws(CBORError) -> ArraySlice<UInt8> {
        guard count <= UInt64(bytes.count - offset) else { throw .truncated(offset: offset) }
        let content = bytes[offset..<offset + Int(count)]
        offset = content.endIndex
        return content
    }

    private mutating func readElements(count: UInt64, depth: Int) throws(CBORError) -> [CBOR] {
        // Every element takes a byte, so a count beyond the bytes left cannot be true and reserves nothing.
        guard count <= UInt64(bytes.count - offset) else { throw .truncated(offset: offset) }
        var elements: [CBOR] = []
        for _ in 0..<count { elements.append(try readValue(depth: depth)) }
        return elements
    }

    private mutating func readEntries(count: UInt64, depth: Int) throws(CBORError) -> CBORMap {
        guard count <= UInt64(bytes.count - offset) / 2 else { throw .truncated(offset: offset) }
        var entries: [CBORMap.Entry] = []
        var last: Range<Int>?
        for _ in 0..<count {
            let start = offset
            let key = try readValue(depth: depth)
            let encodedKey = start..<offset
            if let last {
                if bytes[last] == bytes[encodedKey] { throw .duplicateKey(offset: start) }
                guard bytes[last].lexicographicallyPrecedes(bytes[encodedKey]) else {
                    throw .unsortedKeys(offset: start)
                }
            }
            last = encodedKey
            entries.append(CBORMap.Entry(key: key, value: try readValue(depth: depth)))
        }
        return CBORMap(sortedEntries: entries)
    }
}
