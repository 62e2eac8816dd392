// SPDX-License-Identifier: Apache-2.0
internal import Feeds

/// What a new release is called.
enum ReleaseNaming {
    static let first = "1.0.0"

    /// `wanted` if it may name the next release, else the next patch after the highest of `labels`, those of all
    /// releases so far, withdrawn ones included.
    static func label(_ wanted: String?, after labels: [String]) throws(NodeError) -> String {
        guard let wanted else { return try next(after: labels) }
        guard ReleaseLabel.isValid(wanted) else {
            throw NodeError(
                .usage,
                "'\(wanted.prefix(80))' cannot be the label of a release",
                remedy: "Use 1 to 64 bytes without control characters, without / # ? @ and no space at the ends."
            )
        }
        guard !wanted.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw NodeError(
                .usage,
                "a label of digits alone would be taken for a release number in an address",
                remedy: "Call it \(wanted).0, for example."
            )
        }
        guard !labels.contains(where: { $0.utf8.elementsEqual(wanted.utf8) }) else {
            throw NodeError(
                .usage,
                "the site has a release called \(wanted) already",
                remedy: "Choose another label, or leave --label away for the next one."
            )
        }
        return wanted
    }

    /// The next patch after the highest label that is made of numbers; ``first`` where there is none.
    static func next(after labels: [String]) throws(NodeError) -> String {
        let numbered = labels.filter { numbers(in: $0) != nil }
        guard let highest = numbered.max(by: ReleaseLabel.precedes) else { return try free(first, labels) }
        // 1.2.0-rc.1 leads to 1.2.0.
        let core = String(highest.prefix { $0 != "-" && $0 != "+" })
        if core != highest, highest.dropFirst(core.count).first == "-", !labels.contains(core) {
            return try free(padded(core), labels)
        }
        return try free(incremented(padded(core)), labels)
    }

    private static func free(_ label: String, _ labels: [String]) throws(NodeError) -> String {
        let taken = Set(labels)
        var label = label
        while taken.contains(label) { label = incremented(label) }
        guard ReleaseLabel.isValid(label) else {
            throw NodeError(.usage, "no label follows from the last one", remedy: "Give one with --label.")
        }
        return label
    }

    /// The numbers of `v1.2.3-rc.1+x` before any `-` or `+`; nil where it does not begin so.
    private static func numbers(in label: String) -> [Substring]? {
        let core = label.prefix { $0 != "-" && $0 != "+" }
        let parts = (core.hasPrefix("v") ? core.dropFirst() : core).split(
            separator: ".",
            omittingEmptySubsequences: false
        )
        let areNumbers = parts.allSatisfy { part in !part.isEmpty && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
        }
        return areNumbers ? parts : nil
    }

    private static func padded(_ core: String) -> String {
        var count = core.count { $0 == "." } + 1
        var core = core
        while count < 3 {
            core += ".0"
            count += 1
        }
        return core
    }

    /// With one more in the last part, of any length.
    private static func incremented(_ label: String) -> String {
        var digits = Array(label.utf8)
        var index = digits.count
        while index > 0, (0x30...0x39).contains(digits[index - 1]) {
            index -= 1
            if digits[index] < 0x39 {
                digits[index] += 1
                return String(decoding: digits, as: UTF8.self)
            }
            digits[index] = 0x30
        }
        digits.insert(0x31, at: index)
        return String(decoding: digits, as: UTF8.self)
    }
}
