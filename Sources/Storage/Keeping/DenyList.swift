// SPDX-License-Identifier: Apache-2.0

/// A list of rules as text, to be passed around: `docs/protocols/storage-layout.md` §7.
///
///     # comment
///     site 0123…  the reason, to the end of the line
///     file 4567…
public struct DenyList: Equatable, Sendable {
    /// The largest list that is read, 64 MiB: most of a million rules.
    public static let maximumBytes = 64 << 20
    static let fileSuffix = ".deny"

    /// What its rules carry as ``AdmissionRule/list``: the file's name.
    public var name: String
    /// In the order of the text.
    public var rules: [AdmissionRule]
    /// Lines that are no rule, from 1: they are reported, and the rest of the list counts.
    public var invalidLines: [Int]

    /// Reads a list; every text is one, if perhaps without a rule.
    public init(name: String, text: [UInt8]) {
        self.name = name
        rules = []
        invalidLines = []
        for (index, line) in text.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            let line = line.last == 0x0D ? line.dropLast() : line
            if line.allSatisfy(Self.isBlank) || line.first == UInt8(ascii: "#") { continue }
            if let rule = Self.rule(line, list: name) { rules.append(rule) } else { invalidLines.append(index + 1) }
        }
    }

    /// Bytes are cut, not characters: a mark that combines with the blank before it (U+0599) would hide that blank.
    private static func rule(_ line: ArraySlice<UInt8>, list: String) -> AdmissionRule? {
        guard String(validating: line, as: UTF8.self) != nil else { return nil }
        let fields = line.split(maxSplits: 2, whereSeparator: isBlank)
        guard fields.count >= 2,
            let subject = AdmissionRule.Subject(kind: text(fields[0]), value: text(fields[1]))
        else { return nil }
        let reason = fields.count > 2 ? text(fields[2].drop(while: isBlank)) : ""
        return AdmissionRule(list: list, subject: subject, reason: reason)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
}
