// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The part of TOML 1.0 that a file of settings needs: keys with texts, whole numbers, switches and lists of these.
///
/// Tables, dotted keys, texts over several lines, fractions and dates are refused, with the line: no setting has them. What is
/// read here, every reader of TOML reads the same. Work is linear in the text; lists do not nest.
struct FlatTOML {
    enum Value: Equatable, Sendable {
        case text(String)
        case number(Int64)
        case toggle(Bool)
        case list([String])
    }

    struct Entry: Equatable, Sendable {
        var key: String
        var value: Value
        /// The lines that it stands on, from 0.
        var lines: ClosedRange<Int>
    }

    struct Problem: Error, Equatable {
        /// From 1, as editors count.
        var line: Int
        var says: String
    }

    private let bytes: [UInt8]
    private var offset = 0
    private var line = 0

    /// The settings in their order. A key that stands twice is a problem.
    static func parse(_ text: String) throws(Problem) -> [Entry] {
        var reader = FlatTOML(bytes: Array(text.utf8))
        if reader.bytes.starts(with: [0xEF, 0xBB, 0xBF]) { reader.offset = 3 }
        var entries: [Entry] = []
        var keys = Set<String>()
        while let entry = try reader.entry() {
            guard keys.insert(entry.key).inserted else { throw reader.problem("'\(entry.key)' stands there twice") }
            entries.append(entry)
        }
        return entries
    }

    /// `text` between quotes, so that ``parse(_:)`` gives it back.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case "\u{0}"..."\u{1F}", "\u{7F}": result += "\\u00" + Hex.encode([UInt8(truncatingIfNeeded: scalar.value)])
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private func problem(_ says: String) -> Problem { Problem(line: line + 1, says: says) }

    // MARK: Lines

    private mutating func entry() throws(Problem) -> Entry? {
        while true {
            skipSpaces()
            guard let byte = peek else { return nil }
            guard try endLine(byte) else { break }
        }
        let first = line
        let key = try key()
        skipSpaces()
        if peek == UInt8(ascii: ".") { throw problem("keys with dots are no settings") }
        guard take(UInt8(ascii: "=")) else { throw problem("'=' is missing behind '\(key)'") }
        skipSpaces()
        let value = try value()
        skipSpaces()
        let last = line
        if let byte = peek {
            guard try endLine(byte) else { throw problem("something stands behind the value of '\(key)'") }
        }
        return Entry(key: key, value: value, lines: first...last)
    }

    /// Goes past a comment and the line's end; false where something else stands.
    private mutating func endLine(_ byte: UInt8) throws(Problem) -> Bool {
        switch byte {
        case UInt8(ascii: "#"):
            while let byte = peek, byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r") {
                guard byte >= 0x20 && byte != 0x7F || byte == UInt8(ascii: "\t") else {
                    throw problem("a control character stands in a comment")
                }
                offset += 1
            }
            return try peek.map { (byte) throws(Problem) in try endLine(byte) } ?? true
        case UInt8(ascii: "\r"):
            guard offset + 1 < bytes.count, bytes[offset + 1] == UInt8(ascii: "\n") else {
                throw problem("a lone carriage return ends no line")
            }
            offset += 2
        case UInt8(ascii: "\n"): offset += 1
        default: return false
        }
        line += 1
        return true
    }

    private mutating func key() throws(Problem) -> String {
        if peek == UInt8(ascii: "[") { throw problem("there are no tables here: write KEY = \"VALUE\"") }
        if let quote = peek, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") { return try text(quote) }
        let start = offset
        while let byte = peek, Self.isBare(byte) { offset += 1 }
        guard offset > start else { throw problem("a line begins with a key") }
        return String(decoding: bytes[start..<offset], as: UTF8.self)
    }

    // MARK: Values

    private mutating func value() throws(Problem) -> Value {
        guard let byte = peek else { throw problem("a value is missing") }
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return .text(try text(byte))
        case UInt8(ascii: "["): return .list(try list())
        default: return try word()
        }
    }

    private mutating func list() throws(Problem) -> [String] {
        offset += 1
        var elements: [String] = []
        while true {
            try skipLines()
            if take(UInt8(ascii: "]")) { return elements }
            if peek == UInt8(ascii: "[") { throw problem("a list in a list is no setting") }
            switch try value() {
            case .text(let text): elements.append(text)
            case .number(let number): elements.append(String(number))
            case .toggle(let isOn): elements.append(isOn ? "true" : "false")
            case .list: break
            }
            try skipLines()
            guard take(UInt8(ascii: ",")) || peek == UInt8(ascii: "]") else { throw problem("a list is not closed") }
        }
    }

    /// A number or a switch.
    private mutating func word() throws(Problem) -> Value {
        let start = offset
        while let byte = peek, Self.isBare(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: ".") {
            offset += 1
        }
        let word = String(decoding: bytes[start..<offset], as: UTF8.self)
        switch word {
        case "true": return .toggle(true)
        case "false": return .toggle(false)
        default:
            guard let number = Self.number(word) else { throw problem("'\(word)' is neither text nor a whole number") }
            return .number(number)
        }
    }

    /// TOML 1.0 "Integer": underscores between digits; signs only for decimals, which have no leading zeros.
    private static func number(_ word: String) -> Int64? {
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] where word.hasPrefix(prefix) {
            return digits(word.dropFirst(2)).flatMap { Int64($0, radix: radix) }
        }
        let isSigned = word.hasPrefix("+") || word.hasPrefix("-")
        guard let digits = digits(word.dropFirst(isSigned ? 1 : 0)), digits == "0" || !digits.hasPrefix("0"),
            digits.utf8.allSatisfy({ (48...57).contains($0) })
        else { return nil }
        return Int64(word.hasPrefix("-") ? "-" + digits : digits)
    }

    /// Without its underscores, each of which must stand between two digits.
    private static func digits(_ word: Substring) -> String? {
        let parts = word.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { isBare($0) && $0 != UInt8(ascii: "-") } }) else {
            return nil
        }
        return parts.joined()
    }

    /// Between quotes on one line; a backslash means something in double quotes only.
    private mutating func text(_ quote: UInt8) throws(Problem) -> String {
        if bytes[offset...].starts(with: [quote, quote, quote]) {
            throw problem("texts over several lines are no settings")
        }
        offset += 1
        var content: [UInt8] = []
        while let byte = peek, byte != quote {
            guard byte >= 0x20 && byte != 0x7F || byte == UInt8(ascii: "\t") else {
                throw problem("a text ends in its line and has no control characters")
            }
            offset += 1
            if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
                content += try escaped()
            } else {
                content.append(byte)
            }
        }
        guard take(quote) else { throw problem("a text is not closed") }
        return String(decoding: content, as: UTF8.self)
    }

    private mutating func escaped() throws(Problem) -> [UInt8] {
        let mark = peek
        offset += 1
        switch mark {
        case UInt8(ascii: "b"): return [8]
        case UInt8(ascii: "t"): return [9]
        case UInt8(ascii: "n"): return [10]
        case UInt8(ascii: "f"): return [12]
        case UInt8(ascii: "r"): return [13]
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): return mark.map { [$0] } ?? []
        case UInt8(ascii: "u"), UInt8(ascii: "U"):
            let digits = bytes.dropFirst(offset).prefix(mark == UInt8(ascii: "u") ? 4 : 8)
            offset += digits.count
            guard digits.count == (mark == UInt8(ascii: "u") ? 4 : 8), digits.allSatisfy({ Self.isHex($0) }),
                let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16),
                let scalar = Unicode.Scalar(value)
            else { throw problem("an escape names no character") }
            return Array(String(scalar).utf8)
        default: throw problem("an escape that TOML does not have")
        }
    }

    // MARK: Bytes

    private var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        offset += 1
        return true
    }

    private mutating func skipSpaces() {
        while let byte = peek, byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") { offset += 1 }
    }

    private mutating func skipLines() throws(Problem) {
        skipSpaces()
        while let byte = peek, try endLine(byte) { skipSpaces() }
    }

    private static func isBare(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }
}
