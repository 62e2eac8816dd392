// SPDX-License-Identifier: Apache-2.0

/// The parts of a file that a `Range` asks for (RFC 9110 §14).
enum ByteRanges: Equatable, Sendable {
    /// No range, one that cannot be read, or one not worth its parts: the whole file is sent.
    case whole
    case parts([Range<Int64>])
    /// 416.
    case unsatisfiable

    /// More parts than a player or a reader of documents asks for; many tiny ones are an old attack on servers.
    static let mostParts = 16

    init(_ header: String?, length: Int64) {
        guard let header, let ranges = Self.specifications(header) else {
            self = .whole
            return
        }
        guard ranges.count <= Self.mostParts else {
            self = .unsatisfiable
            return
        }
        let parts = ranges.compactMap { $0.resolved(length: length) }
        // Overlapping parts that add up to more than the file would be an amplifier (RFC 9110 §14.2 allows to ignore).
        let total = parts.reduce(Int64(0)) { $0.addingReportingOverflow($1.upperBound - $1.lowerBound).partialValue }
        if parts.isEmpty {
            self = .unsatisfiable
        } else if total < 0 || total > length {
            self = .whole
        } else {
            self = .parts(parts)
        }
    }

    private struct Specification {
        var first: Int64?
        var last: Int64?

        func resolved(length: Int64) -> Range<Int64>? {
            guard let first else {
                guard let suffix = last, suffix > 0, length > 0 else { return nil }
                return max(0, length - suffix)..<length
            }
            guard first < length else { return nil }
            guard let last else { return first..<length }
            return first..<min(last, length - 1) + 1
        }
    }

    /// Nil where the header is no list of byte ranges: it is ignored then (RFC 9110 §14.2).
    private static func specifications(_ header: String) -> [Specification]? {
        let halves = header.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard halves.count == 2, halves[0].lowercased() == "bytes" else { return nil }
        var ranges: [Specification] = []
        for item in halves[1].split(separator: ",", omittingEmptySubsequences: false) {
            let text = item.drop { $0 == " " || $0 == "\t" }
            let trimmed = text.prefix { $0 != " " && $0 != "\t" }
            if text.isEmpty { continue }
            guard text.dropFirst(trimmed.count).allSatisfy({ $0 == " " || $0 == "\t" }),
                let range = specification(trimmed)
            else { return nil }
            ranges.append(range)
            // One more than allowed is enough to know.
            if ranges.count > mostParts { break }
        }
        return ranges.isEmpty ? nil : ranges
    }

    private static func specification(_ text: Substring) -> Specification? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, !(ends[0].isEmpty && ends[1].isEmpty) else { return nil }
        guard let first = number(ends[0]), let last = number(ends[1]) else { return nil }
        if let first, let last, last < first { return nil }
        return Specification(first: first, last: last)
    }

    /// `.some(nil)` for no digits; nil for anything but digits. Absurd numbers count as the largest one.
    private static func number(_ text: Substring) -> Int64?? {
        guard text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return text.isEmpty ? .some(nil) : .some(Int64(text) ?? .max)
    }
}
