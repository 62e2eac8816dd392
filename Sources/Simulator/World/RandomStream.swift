// SPDX-License-Identifier: Apache-2.0

/// One stream of a run's randomness (SplitMix64), by the run's seed and a name.
///
/// Every use has a stream of its own, so that a draw more in one place (a fault, a lost datagram) does not shift what is
/// drawn elsewhere: two runs that differ in one fault stay alike until it happens.
public struct RandomStream: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// `number` tells several streams of one name apart.
    public init(seed: UInt64, _ name: String, _ number: UInt64 = 0) {
        // FNV-1a of the name: any fixed mixing will do, the hasher of the standard library is not fixed.
        var mixed: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name.utf8 { mixed = (mixed ^ UInt64(byte)) &* 0x100_0000_01B3 }
        state = seed &* 0x9E37_79B9_7F4A_7C15 ^ mixed ^ number &* 0xD1B5_4A32_D192_ED03
        _ = next()
    }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number in `0..<limit`; 0 where the limit is not positive.
    public mutating func below(_ limit: Int) -> Int {
        limit <= 0 ? 0 : Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(limit)).high)
    }

    /// Whether something happens that happens so often in a million times.
    public mutating func happens(perMillion: Int) -> Bool { perMillion > 0 && below(1_000_000) < perMillion }

    /// So many bytes.
    public mutating func bytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 8)
        while bytes.count < count {
            let word = next()
            var shift: UInt64 = 64
            while shift > 0 {
                shift -= 8
                bytes.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    /// A time in `0..<limit`.
    public mutating func time(below limit: Duration) -> Duration {
        .nanoseconds(Int64(below(Int(limit.inNanoseconds))))
    }

    /// Any of a list; nil where it is empty.
    public mutating func element<Element>(of list: [Element]) -> Element? {
        list.isEmpty ? nil : list[below(list.count)]
    }
}
