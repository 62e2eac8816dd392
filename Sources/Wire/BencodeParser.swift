// SPDX-License-Identifier: Apache-2.0

/// One value found by the parser. A container's children follow it in the token list.
struct BencodeToken {
    enum Kind: UInt8 { case integer, bytes, list, dictionary }
    var kind: Kind
    /// Where the value starts, its length or type prefix included.
    var start: UInt32
    /// Where a byte string's content starts.
    var content: UInt32
    /// Just after the value.
    var end: UInt32
    /// The index of the first token after this value and its children.
    var next: UInt32
}

struct BencodeParser {
    private struct Container {
        var token: Int
        /// The last key, while the container is a dictionary.
        var lastKey: Range<Int>?
        /// A key has been read whose value is still to come.
        var awaitsValue = false
        var isSorted = true
    }

    let bytes: [UInt8]
    let mode: Bencode.Mode
    let limits: Bencode.Limits
    private(set) var tokens: [BencodeToken] = []
    private var open: [Container] = []
    private var offset = 0

    init(bytes: [UInt8], mode: Bencode.Mode, limits: Bencode.Limits) {
        self.bytes = bytes
        self.mode = mode
        self.limits = limits
        // About what a list of files comes to. Long strings need less, and what is reserved and not used costs no memory.
        tokens.reserveCapacity(min(max(16, bytes.count / 8), limits.values, 1 << 16))
    }

    /// Returns the offset after the first value.
    mutating func parse() throws(BencodeError) -> Int {
        repeat {
            let byte = try peek()
            if byte == UInt8(ascii: "e"), !open.isEmpty {
                try closeContainer()
            } else if let top = open.last, tokens[top.token].kind == .dictionary, !top.awaitsValue {
                try readKey()
                continue
            } else {
                try readValue(startingWith: byte)
            }
        } while !open.isEmpty
        return offset
    }

    /// Mutating so that debug builds do not copy the whole parser for each byte.
    private mutating func peek() throws(BencodeError) -> UInt8 {
        guard offset < bytes.count else { throw .truncated(offset: offset) }
        return bytes[offset]
    }

    private mutating func readValue(startingWith byte: UInt8) throws(BencodeError) {
        switch byte {
        case UInt8(ascii: "i"): try readInteger()
        case UInt8(ascii: "0")...UInt8(ascii: "9"): _ = try readBytes()
        case UInt8(ascii: "l"): try openContainer(.list)
        case UInt8(ascii: "d"): try openContainer(.dictionary)
        default: throw .unexpectedByte(byte, offset: offset)
        }
        if byte != UInt8(ascii: "l"), byte != UInt8(ascii: "d") { valueEnded() }
    }

    /// A value that stands in a dictionary satisfies the key before it.
    private mutating func valueEnded() {
        if !open.isEmpty { open[open.count - 1].awaitsValue = false }
    }

    private mutating func append(_ kind: BencodeToken.Kind, start: Int, content: Int, end: Int) throws(BencodeError) {
        guard tokens.count < limits.values else { throw .tooManyValues(limit: limits.values) }
        tokens.append(
            BencodeToken(
                kind: kind,
                start: UInt32(start),
                content: UInt32(content),
                end: UInt32(end),
                next: UInt32(tokens.count + 1)
            )
        )
    }

    private mutating func openContainer(_ kind: BencodeToken.Kind) throws(BencodeError) {
        guard open.count < limits.depth else { throw .tooDeep(limit: limits.depth) }
        open.append(Container(token: tokens.count))
        try append(kind, start: offset, content: offset + 1, end: offset + 1)
        offset += 1
    }

    private mutating func closeContainer() throws(BencodeError) {
        guard let top = open.popLast() else { return }
        guard !top.awaitsValue else { throw .unexpectedByte(UInt8(ascii: "e"), offset: offset) }
        offset += 1
        tokens[top.token].end = UInt32(offset)
        tokens[top.token].next = UInt32(tokens.count)
        if !top.isSorted { try refuseDuplicates(in: top.token) }
        valueEnded()
    }

    private mutating func readInteger() throws(BencodeError) {
        let start = offset
        offset += 1
        let negative = try peek() == UInt8(ascii: "-")
        if negative { offset += 1 }
        let firstDigit = offset
        var value: Int64 = 0
        while case let byte = try peek(), byte != UInt8(ascii: "e") {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else {
                throw .invalidInteger(offset: start)
            }
            let digit = Int64(byte - UInt8(ascii: "0"))
            let (product, tooBig) = value.multipliedReportingOverflow(by: 10)
            let (sum, carried) = product.addingReportingOverflow(negative ? -digit : digit)
            guard !tooBig, !carried else { throw .invalidInteger(offset: start) }
            value = sum
            offset += 1
        }
        let digits = offset - firstDigit
        let leadingZero = digits > 0 && bytes[firstDigit] == UInt8(ascii: "0")
        guard digits > 0, !leadingZero || (digits == 1 && !negative) else { throw .invalidInteger(offset: start) }
        offset += 1
        try append(.integer, start: start, content: start + 1, end: offset)
    }

    private mutating func readBytes() throws(BencodeError) -> Range<Int> {
        let start = offset
        var length = 0
        while case let byte = try peek(), byte != UInt8(ascii: ":") {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte), length <= limits.bytes else {
                throw .invalidLength(offset: start)
            }
            length = length * 10 + Int(byte - UInt8(ascii: "0"))
            offset += 1
        }
        let leadingZero = bytes[start] == UInt8(ascii: "0") && offset - start > 1
        guard !leadingZero else { throw .invalidLength(offset: start) }
        offset += 1
        guard length <= bytes.count - offset else { throw .invalidLength(offset: start) }
        let content = offset..<offset + length
        offset = content.upperBound
        try append(.bytes, start: start, content: content.lowerBound, end: content.upperBound)
        return content
    }

    private mutating func readKey() throws(BencodeError) {
        let start = offset
        let byte = try peek()
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else {
            throw .unexpectedByte(byte, offset: offset)
        }
        let key = try readBytes()
        let top = open.count - 1
        if let last = open[top].lastKey {
            if bytes[last] == bytes[key] { throw .duplicateKey(offset: start) }
            if !bytes[last].lexicographicallyPrecedes(bytes[key]) {
                guard mode == .tolerant else { throw .unsortedKeys(offset: start) }
                open[top].isSorted = false
            }
        }
        open[top].lastKey = key
        open[top].awaitsValue = true
    }

    /// Neighbours were compared on the way; keys out of order may repeat one from further up.
    private func refuseDuplicates(in dictionary: Int) throws(BencodeError) {
        var seen: Set<ArraySlice<UInt8>> = []
        var index = dictionary + 1
        while index < Int(tokens[dictionary].next) {
            let key = tokens[index]
            guard seen.insert(bytes[Int(key.content)..<Int(key.end)]).inserted else {
                throw .duplicateKey(offset: Int(key.start))
            }
            index = Int(tokens[index + 1].next)
        }
    }
}
