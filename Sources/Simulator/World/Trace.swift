// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

/// Everything that happened in a run, as one hash: two runs are the same run exactly if it is equal.
///
/// A record is 32 bytes: time, what happened, where, and 64 bits of its content. SHA-256 over all of them in order.
struct Trace {
    enum Kind: UInt64 {
        case datagram = 1
        case wake, stream, script, power, fault, figure, violation, disk
    }

    private var stream = SHA256Stream()
    private var buffer: [UInt8] = []
    private(set) var records: UInt64 = 0

    mutating func add(_ kind: Kind, at time: VirtualTime, host: Int, _ content: UInt64) {
        if buffer.isEmpty { buffer.reserveCapacity(1 << 16) }
        append(UInt64(bitPattern: time.nanoseconds))
        append(kind.rawValue)
        append(UInt64(bitPattern: Int64(host)))
        append(content)
        records += 1
        if buffer.count >= 1 << 15 {
            stream.update(buffer)
            buffer.removeAll(keepingCapacity: true)
        }
    }

    private mutating func append(_ word: UInt64) {
        var word = word
        var left = 8
        while left > 0 {
            buffer.append(UInt8(truncatingIfNeeded: word))
            word >>= 8
            left -= 1
        }
    }

    /// The hash so far; more may follow.
    var digest: Digest256 {
        var copy = stream
        copy.update(buffer)
        return copy.finish()
    }

    /// 64 bits of `bytes`: eight at a time, so that a datagram costs less to trace than to parse.
    ///
    /// Most of the bytes of a run go through here, in debug builds too: hence an array and no ranges.
    static func content(of bytes: [UInt8]) -> UInt64 {
        var mixed = UInt64(bytes.count) &* 0x9E37_79B9_7F4A_7C15
        var index = 0
        while index + 8 <= bytes.count {
            let end = index + 8
            var word: UInt64 = 0
            while index < end {
                word = word << 8 | UInt64(bytes[index])
                index += 1
            }
            mixed = fold(mixed, word)
        }
        while index < bytes.count {
            mixed = fold(mixed, UInt64(bytes[index]))
            index += 1
        }
        return mixed
    }

    static func content(of text: String) -> UInt64 { content(of: Array(text.utf8)) }

    private static func fold(_ mixed: UInt64, _ word: UInt64) -> UInt64 {
        let product = (mixed ^ word).multipliedFullWidth(by: 0x9FB2_1C65_1E98_DF25)
        return product.high ^ product.low
    }
}
