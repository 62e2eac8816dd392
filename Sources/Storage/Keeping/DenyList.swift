// SPDX-License-Identifier: Apache-2.0

/// A list of rules as text, to be passed around: `docs/protocols/storage-layout.md` §7.
///
///     # comment
///     site 0123…  the reason, to the end of the line
///     file 4567…
public struct DenyList: Equatable, Sendable {
    public static let maximumBytes = 64 << 20
    static let fileSuffix = ".deny"

    public var name: String
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
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) || line.first == UInt8(ascii: "#") { continue }
            if let rule = Self.rule(line, list: name) { rules.append(rule) } else { invalidLines.append(index + 1) }
        }
    }

    private static func rule(_ line: ArraySlice<UInt8>, list: String) -> AdmissionRule? {
        guard let text = String(validating: line, as: UTF8.self) else { return nil }
        let fields = text.split(maxSplits: 2, whereSeparator: { $0 == " " || $0 == "\t" })
        guard fields.count >= 2, let subject = AdmissionRule.Subject(kind: fields[0], value: fields[1]) else {
            return nil
        }
        let reason = fields.count > 2 ? String(fields[2].drop { $0 == " " || $0 == "\t" }) : ""
        return AdmissionRule(list: list, subject: subject, reason: reason)
    }
}
