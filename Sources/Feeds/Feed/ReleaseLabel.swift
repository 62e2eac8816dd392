// SPDX-License-Identifier: Apache-2.0

/// The order of version labels such as `1.2.10`: people's names for releases. Which release is newest follows from
/// the feed alone; labels sort listings and answer `@1.2.3`.
public enum ReleaseLabel {
    /// The longest label, in bytes of UTF-8.
    public static let maximumLength = 64

    /// Whether `label` may name a release: 1 to 64 bytes, no control character, no space at either end, no `/`, `#`,
    /// `?` or `@`, which end a label inside an address.
    public static func isValid(_ label: String) -> Bool {
        guard (1...maximumLength).contains(label.utf8.count), label.first != " ", label.last != " " else {
            return false
        }
        return !label.unicodeScalars.contains { "/#?@".unicodeScalars.contains($0) || $0.value < 32 || $0.value == 127 }
    }

    /// Whether `left` comes before `right`.
    ///
    /// As Semantic Versioning 2.0.0 §11 orders them, for any number of dotted parts: runs of digits compare as numbers
    /// of any length (1.2.9 before 1.2.10), a missing part counts as before any, a pre-release (`-rc.1`) comes before
    /// its release, and what follows `+` does not count. One leading `v` is ignored.
    public static func precedes(_ left: String, _ right: String) -> Bool { compare(left, right) < 0 }

    /// Negative, zero or positive as `left` comes before, with or after `right`.
    static func compare(_ left: String, _ right: String) -> Int {
        let (leftCore, leftPre) = split(left)
        let (rightCore, rightPre) = split(right)
        let order = compare(parts: leftCore, rightCore)
        guard order == 0 else { return order }
        switch (leftPre, rightPre) {
        case (nil, nil): return 0
        case (nil, _): return 1
        case (_, nil): return -1
        case (let left?, let right?): return compare(parts: left, right)
        }
    }

    private typealias Part = Substring.UTF8View

    private static func split(_ label: String) -> (core: [Part], pre: [Part]?) {
        let body = label.hasPrefix("v") ? label.dropFirst() : label[...]
        let counted = body.utf8.prefix { $0 != UInt8(ascii: "+") }
        let core = counted.prefix { $0 != UInt8(ascii: "-") }
        let rest = counted.dropFirst(core.count + 1)
        return (dotted(core), core.count == counted.count ? nil : dotted(rest))
    }

    private static func dotted(_ text: Part) -> [Part] {
        text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    }

    private static func compare(parts left: [Part], _ right: [Part]) -> Int {
        for (left, right) in zip(left, right) {
            let order = compare(part: left, right)
            if order != 0 { return order }
        }
        return left.count - right.count
    }

    private static func compare(part left: Part, _ right: Part) -> Int {
        switch (number(left), number(right)) {
        case (let left?, let right?):
            return left.count == right.count ? compare(bytes: left, right) : left.count - right.count
        case (nil, nil): return compare(bytes: left, right)
        // A number comes before a word.
        case (nil, _): return 1
        case (_, nil): return -1
        }
    }

    /// The digits without leading zeros; nil for anything but digits.
    private static func number(_ part: Part) -> Part? {
        guard !part.isEmpty, part.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return part.drop { $0 == 0x30 }
    }

    private static func compare(bytes left: Part, _ right: Part) -> Int {
        if left.lexicographicallyPrecedes(right) { return -1 }
        return left.elementsEqual(right) ? 0 : 1
    }
}
