// SPDX-License-Identifier: Apache-2.0

/// A value inside parsed bencoding: a view of the bytes received, which stay as they came.
///
/// Lookups never trap: a value of another kind, or none, reads as nil.
public struct BencodeNode: Sendable {
    private let bytesOfDocument: [UInt8]
    private let tokens: [BencodeToken]
    private let index: Int

    init(bytes: [UInt8], tokens: [BencodeToken], index: Int) {
        bytesOfDocument = bytes
        self.tokens = tokens
        self.index = index
    }

    private func node(at index: Int) -> BencodeNode {
        BencodeNode(bytes: bytesOfDocument, tokens: tokens, index: index)
    }

    private var token: BencodeToken { tokens[index] }

    /// The value exactly as it was received: infohashes and signatures are over these bytes, never over a re-encoding.
    public var raw: ArraySlice<UInt8> { bytesOfDocument[Int(token.start)..<Int(token.end)] }

    /// Where ``raw`` lies in the bytes that were parsed.
    public var range: Range<Int> { Int(token.start)..<Int(token.end) }

    /// Whether ``entries`` has a value.
    public var isDictionary: Bool { token.kind == .dictionary }

    /// An integer's value: the parser has refused any beyond 64 bits.
    public var integer: Int64? {
        guard token.kind == .integer else { return nil }
        // The parser has checked the form and the range.
        let isNegative = bytesOfDocument[Int(token.content)] == UInt8(ascii: "-")
        var value: Int64 = 0
        for index in Int(token.content) + (isNegative ? 1 : 0)..<Int(token.end) - 1 {
            let digit = Int64(bytesOfDocument[index]) - Int64(UInt8(ascii: "0"))
            value = value * 10 + (isNegative ? -digit : digit)
        }
        return value
    }

    /// A byte string's content.
    public var bytes: ArraySlice<UInt8>? {
        guard token.kind == .bytes else { return nil }
        return bytesOfDocument[Int(token.content)..<Int(token.end)]
    }

    /// A byte string's content where it is valid UTF-8.
    public var string: String? { bytes.flatMap { String(validating: $0, as: UTF8.self) } }

    /// A byte string's content where it is exactly as long as `Value` is.
    @inlinable
    public func fixed<Value: FixedBytes>(_: Value.Type) -> Value? { bytes.flatMap { Value($0) } }

    /// The elements of a list, in order.
    public var list: [BencodeNode]? {
        guard token.kind == .list else { return nil }
        var elements: [BencodeNode] = []
        var child = index + 1
        while child < Int(token.next) {
            elements.append(node(at: child))
            child = Int(tokens[child].next)
        }
        return elements
    }

    /// The contents of a list of byte strings, in order; nil where it holds anything else.
    public var byteStrings: [ArraySlice<UInt8>]? {
        guard token.kind == .list else { return nil }
        var strings: [ArraySlice<UInt8>] = []
        for child in index + 1..<Int(token.next) {
            guard tokens[child].kind == .bytes else { return nil }
            strings.append(bytesOfDocument[Int(tokens[child].content)..<Int(tokens[child].end)])
        }
        return strings
    }

    /// The entries of a dictionary, in the order in which they were received.
    public var entries: [(key: ArraySlice<UInt8>, value: BencodeNode)]? {
        guard token.kind == .dictionary else { return nil }
        var entries: [(key: ArraySlice<UInt8>, value: BencodeNode)] = []
        var child = index + 1
        while child < Int(token.next) {
            let key = tokens[child]
            entries.append((bytesOfDocument[Int(key.content)..<Int(key.end)], node(at: child + 1)))
            child = Int(tokens[child + 1].next)
        }
        return entries
    }

    /// The value under `key`, found without building anything.
    public subscript(key: String) -> BencodeNode? {
        guard token.kind == .dictionary else { return nil }
        let length = key.utf8.count
        var child = index + 1
        while child < Int(token.next) {
            let candidate = tokens[child]
            if Int(candidate.end) - Int(candidate.content) == length, stands(key, at: Int(candidate.content)) {
                return node(at: child + 1)
            }
            child = Int(tokens[child + 1].next)
        }
        return nil
    }

    private func stands(_ key: String, at offset: Int) -> Bool {
        var offset = offset
        for byte in key.utf8 {
            guard bytesOfDocument[offset] == byte else { return false }
            offset += 1
        }
        return true
    }
}
