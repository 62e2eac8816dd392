// SPDX-License-Identifier: Apache-2.0

/// A value of deterministic CBOR (RFC 8949 §4.2.1): one value has exactly one encoding, so signatures and hashes over
/// it can be made again from the value.
///
/// Left out on purpose, and refused when read: floating point, tags, undefined and other simple values, and
/// indefinite lengths.
public enum CBOR: Sendable {
    case unsigned(UInt64)
    /// The integer −1 − n.
    case negative(UInt64)
    case bytes([UInt8])
    case text(String)
    case array([CBOR])
    case map(CBORMap)
    case bool(Bool)
    case null

    /// An integer of either sign.
    public static func integer(_ value: Int64) -> CBOR {
        value >= 0 ? .unsigned(UInt64(value)) : .negative(UInt64(-1 - value))
    }

    /// A byte string.
    public static func bytes(_ value: some FixedBytes) -> CBOR { .bytes(value.bytes) }
}

extension CBOR: Hashable {
    /// Whether both have the same encoding. Texts count as their bytes, where `String` would ignore normal forms.
    public static func == (left: CBOR, right: CBOR) -> Bool { left.encoded == right.encoded }

    /// Hashes the encoding, as equality compares it.
    public func hash(into hasher: inout Hasher) { hasher.combine(encoded) }
}

/// What a value holds; nil when it is of another kind, so that reading what others sent never traps.
extension CBOR {
    /// An integer that is not negative.
    public var unsigned: UInt64? {
        guard case .unsigned(let value) = self else { return nil }
        return value
    }

    /// An integer of either sign that fits.
    public var integer: Int64? {
        switch self {
        case .unsigned(let value): Int64(exactly: value)
        case .negative(let value): Int64(exactly: value).map { -1 - $0 }
        default: nil
        }
    }

    /// A byte string's content.
    public var bytes: [UInt8]? {
        guard case .bytes(let value) = self else { return nil }
        return value
    }

    /// A text's content, as it was: no Unicode normal form is made of it.
    public var text: String? {
        guard case .text(let value) = self else { return nil }
        return value
    }

    /// The elements of an array.
    public var array: [CBOR]? {
        guard case .array(let value) = self else { return nil }
        return value
    }

    /// The entries of a map.
    public var map: CBORMap? {
        guard case .map(let value) = self else { return nil }
        return value
    }

    /// Whether it is `null`, as distinct from a key that is absent.
    public var isNull: Bool {
        if case .null = self { return true }
        return false
    }

    /// A byte string's content where it is exactly as long as `Value` is.
    public func fixed<Value: FixedBytes>(_: Value.Type) -> Value? { bytes.flatMap { Value($0) } }

    /// The value under a text key of a map.
    public subscript(key: String) -> CBOR? { map?[key] }
}

extension CBOR: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    /// A text.
    public init(stringLiteral value: String) { self = .text(value) }
    /// An integer of either sign.
    public init(integerLiteral value: Int64) { self = .integer(value) }
    /// `true` or `false`.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// An array.
    public init(arrayLiteral elements: CBOR...) { self = .array(elements) }
    /// `null`.
    public init(nilLiteral: ()) { self = .null }

    /// The keys must differ.
    public init(dictionaryLiteral elements: (CBOR, CBOR)...) {
        guard let map = CBORMap(elements) else { preconditionFailure("the keys of a map literal must differ") }
        self = .map(map)
    }
}
