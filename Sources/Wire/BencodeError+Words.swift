// SPDX-License-Identifier: Apache-2.0

extension BencodeError: CustomStringConvertible {
    /// For people, to stand behind a colon.
    public var description: String {
        switch self {
        case .truncated(let offset): "it ends too early, at byte \(offset)"
        case .unexpectedByte(_, let offset): "byte \(offset) begins nothing that may stand there"
        case .invalidInteger(let offset): "the number at byte \(offset) is malformed"
        case .invalidLength(let offset): "the length at byte \(offset) is malformed or reaches past the end"
        case .duplicateKey(let offset): "a key stands twice in a dictionary, at byte \(offset)"
        case .unsortedKeys(let offset): "the keys of a dictionary do not ascend, at byte \(offset)"
        case .trailingBytes(let offset): "something follows the value, at byte \(offset)"
        case .tooDeep(let limit): "it is nested more than \(limit) deep"
        case .tooLarge(let limit): "it has more than \(limit) bytes"
        case .tooManyValues(let limit): "it has more than \(limit) values"
        }
    }
}
