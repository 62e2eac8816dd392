// SPDX-License-Identifier: Apache-2.0

/// Numbers of things, as people say them.
enum Plural {
    /// `1 file`, `2 files`. `one` is a word that takes an s.
    static func count(_ number: Int, _ one: String) -> String { "\(number) \(one)\(number == 1 ? "" : "s")" }
}
