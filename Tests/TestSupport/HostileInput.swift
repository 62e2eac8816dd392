// SPDX-License-Identifier: Apache-2.0

/// Damaged versions of valid bytes: what a parser of outside input must answer with an error or a value, never a trap.
public enum HostileInput {
    /// `count` versions, by `seed`: cut short, bits flipped, bytes replaced by extremes, stretches repeated or removed,
    /// and plain noise.
    public static func mutations(of sample: [UInt8], count: Int, seed: UInt64) -> [[UInt8]] {
        var random = SplitMix64(seed: seed)
        return (0..<count).map { _ in mutate(sample, with: &random) }
    }

    /// Every proper prefix of `sample`.
    public static func truncations(of sample: [UInt8]) -> [[UInt8]] { sample.indices.map { Array(sample[..<$0]) } }

    private static func mutate(_ sample: [UInt8], with random: inout SplitMix64) -> [UInt8] {
        guard !sample.isEmpty else { return random.bytes(Int.random(in: 0...16, using: &random)) }
        var bytes = sample
        for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
            let index = Int.random(in: bytes.indices, using: &random)
            switch Int.random(in: 0..<7, using: &random) {
            case 0: bytes.removeSubrange(index...)
            case 1: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 2: bytes[index] = [0, 0x7f, 0x80, 0xff].randomElement(using: &random) ?? 0
            case 3: bytes[index] = UInt8.random(in: .min ... .max, using: &random)
            case 4: bytes.insert(contentsOf: bytes[index..<min(index + 8, bytes.count)], at: index)
            case 5: bytes.removeSubrange(index..<min(index + 4, bytes.count))
            default: bytes.append(contentsOf: random.bytes(Int.random(in: 1...9, using: &random)))
            }
        }
        return bytes
    }
}
