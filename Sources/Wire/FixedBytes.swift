// SPDX-License-Identifier: Apache-2.0

/// A value of exactly ``byteCount`` bytes that lives without an allocation, such as a digest, a key or a node id.
///
/// Ordered as its bytes are: the first byte counts most.
public protocol FixedBytes: Hashable, Comparable, Sendable, CustomStringConvertible {
    static var byteCount: Int { get }

    /// Nil unless `bytes` holds exactly ``byteCount`` bytes.
    init?(_ bytes: some Collection<UInt8>)

    /// The byte at `index`, which must lie in `0..<byteCount`.
    subscript(index: Int) -> UInt8 { get }
}

extension FixedBytes {
    /// Nil unless `hex` is exactly twice ``byteCount`` hexadecimal digits.
    public init?(hex: some StringProtocol) {
        guard hex.utf8.count == Self.byteCount * 2, let bytes = Hex.decode(hex) else { return nil }
        self.init(bytes)
    }

    /// The bytes as an array, for what cannot take a ``FixedBytes``: allocates.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        bytes.append(self)
        return bytes
    }

    /// Lower case, two digits a byte.
    public var hex: String { Hex.encode(bytes) }
    /// ``hex``, unless the type writes itself otherwise.
    public var description: String { hex }
}

extension [UInt8] {
    /// Appends the bytes of `value`.
    @inlinable
    public mutating func append(_ value: some FixedBytes) {
        let count = type(of: value).byteCount
        var index = 0
        while index < count {
            append(value[index])
            index += 1
        }
    }

    /// Appends `value` of at most 64 bits, most significant byte first.
    @inlinable
    public mutating func append<Integer: FixedWidthInteger & UnsignedInteger>(bigEndian value: Integer) {
        // As a number of one known type: what is generic costs a call for each step in debug builds.
        let word = UInt64(value)
        var shift = Integer.bitWidth
        while shift > 0 {
            shift -= 8
            append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
        }
    }
}
