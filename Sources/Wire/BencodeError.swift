// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not a bencoded value that we accept. Offsets count from the first byte given.
public enum BencodeError: Error, Equatable {
    /// The bytes end inside a value.
    case truncated(offset: Int)
    /// No value starts with this byte, or a dictionary key is no byte string.
    case unexpectedByte(UInt8, offset: Int)
    /// No digits, a leading zero, a negative zero, or beyond 64 bits.
    case invalidInteger(offset: Int)
    /// A string's length that has a leading zero or reaches past the end.
    case invalidLength(offset: Int)
    case duplicateKey(offset: Int)
    /// Only in strict mode: keys must ascend as raw bytes.
    case unsortedKeys(offset: Int)
    case trailingBytes(offset: Int)
    case tooDeep(limit: Int)
    case tooLarge(limit: Int)
    case tooManyValues(limit: Int)
}
