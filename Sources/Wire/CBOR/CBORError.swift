// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not one value of deterministic CBOR. Offsets count from the first byte given.
public enum CBORError: Error, Equatable {
    /// The bytes end inside a value, or a length reaches past the end.
    case truncated(offset: Int)
    /// An integer or a length that a shorter form holds (RFC 8949 §4.2.1).
    case notShortest(offset: Int)
    case indefiniteLength(offset: Int)
    /// Floating point, a tag, undefined or another simple value, or a reserved first byte.
    case unsupported(initialByte: UInt8, offset: Int)
    /// A text that is not UTF-8.
    case invalidText(offset: Int)
    case duplicateKey(offset: Int)
    case unsortedKeys(offset: Int)
    case trailingBytes(offset: Int)
    case tooDeep(limit: Int)
    case tooLarge(limit: Int)
    case tooManyValues(limit: Int)
}
