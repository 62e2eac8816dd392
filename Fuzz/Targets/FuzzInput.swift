// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Takes an input apart into choices, numbers and byte strings; past the end everything is zero or empty.
struct FuzzInput {
    private var reader: ByteReader

    init(_ bytes: [UInt8]) { reader = ByteReader(bytes) }

    var isAtEnd: Bool { reader.isAtEnd }

    mutating func byte() -> UInt8 { reader.read(UInt8.self) ?? 0 }
    mutating func short() -> UInt16 { reader.read(UInt16.self) ?? 0 }
    mutating func word() -> UInt32 { reader.read(UInt32.self) ?? 0 }
    mutating func long() -> UInt64 { reader.read(UInt64.self) ?? 0 }

    /// 0..<count
    mutating func choice(_ count: Int) -> Int { Int(byte()) % count }

    /// A byte string behind its length in two bytes, or what is left of it.
    mutating func chunk() -> [UInt8] {
        let length = Int(short())
        return take(min(length, reader.remaining.count))
    }

    mutating func take(_ count: Int) -> [UInt8] {
        reader.read(count: min(count, reader.remaining.count)).map(Array.init) ?? []
    }

    mutating func rest() -> [UInt8] { take(reader.remaining.count) }

    /// A chunk as ``chunk()`` reads it.
    static func chunk(_ bytes: [UInt8]) -> [UInt8] {
        let length = UInt16(clamping: bytes.count)
        return [UInt8(length >> 8), UInt8(length & 0xFF)] + bytes.prefix(Int(length))
    }
}
