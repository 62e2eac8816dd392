// SPDX-License-Identifier: Apache-2.0

/// Reads fields off the front of received bytes, every read bounded.
///
/// A read that wants more than is left returns nil and takes nothing.
public struct ByteReader: Sendable {
    @usableFromInline var unread: ArraySlice<UInt8>

    /// What has not been read yet.
    public var remaining: ArraySlice<UInt8> { unread }

    /// Reads from the front of `bytes`; no copy is made.
    public init(_ bytes: ArraySlice<UInt8>) {
        unread = bytes
    }

    /// Reads all of `bytes`; no copy is made.
    public init(_ bytes: [UInt8]) {
        unread = bytes[...]
    }

    /// Whether all has been read: what a parser of a whole message checks last.
    public var isAtEnd: Bool { remaining.isEmpty }

    /// Takes `count` bytes. A count from outside may be negative or huge: nil.
    @inlinable
    public mutating func read(count: Int) -> ArraySlice<UInt8>? {
        guard count >= 0, count <= unread.count else { return nil }
        defer { unread = unread.dropFirst(count) }
        return unread.prefix(count)
    }

    /// An unsigned integer, most significant byte first.
    @inlinable
    public mutating func read<Integer: FixedWidthInteger & UnsignedInteger>(_: Integer.Type) -> Integer? {
        guard let bytes = read(count: Integer.bitWidth / 8) else { return nil }
        var value: Integer = 0
        for byte in bytes { value = value << 8 | Integer(truncatingIfNeeded: byte) }
        return value
    }

    /// Takes as many bytes as `Value` has.
    @inlinable
    public mutating func read<Value: FixedBytes>(_: Value.Type) -> Value? {
        read(count: Value.byteCount).flatMap { Value($0) }
    }
}
