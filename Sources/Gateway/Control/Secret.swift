// SPDX-License-Identifier: Apache-2.0

/// Comparing and making secrets.
enum Secret {
    /// Takes the time of the longer text, wherever they differ.
    static func equal(_ left: String, _ right: String) -> Bool {
        let first = Array(left.utf8)
        let second = Array(right.utf8)
        var difference = first.count ^ second.count
        for index in 0..<max(first.count, second.count) {
            let a = index < first.count ? first[index] : 0
            let b = index < second.count ? second[index] : 0
            difference |= Int(a ^ b)
        }
        return difference == 0
    }

    /// 16 bytes of the system's randomness.
    static func random() -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
}
