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
        let taken = unread[unread.startIndex..<unread.startIndex + count]
        unread = unread[taken.endIndex...]
        return taken
    }

    /// An unsigned integer of at most 64 bits, most significant byte first.
    @inlinable
    public mutating func read<Integer: FixedWidthInteger & UnsignedInteger>(_: Integer.Type) -> Integer? {
        guard let bytes = read(count: Integer.bitWidth / 8) else { return nil }
        return Integer(truncatingIfNeeded: bytes.bigEndian)
    }

    /// Takes as many bytes as `Value` has.
    @inlinable
    public mutating func read<Value: FixedBytes>(_: Value.Type) -> Value? {
        read(count: Value.byteCount).flatMap { Value($0) }
    }
}

extension ArraySlice<UInt8> {
    /// The number that the bytes are, most significant first; of more than eight the last eight count.
    @inlinable
    public var bigEndian: UInt64 {
        var value: UInt64 = 0
        var index = startIndex
        while index < endIndex {
            value = value << 8 | UInt64(self[index])
            index += 1
        }
        return value
    }
}
