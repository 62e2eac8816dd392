// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// `application/x-www-form-urlencoded`, as forms and queries use it.
enum FormText {
    /// Nil where an escape is broken or the bytes are no UTF-8.
    static func decode(_ text: some StringProtocol) -> String? {
        PercentEncoding.decodeText(text.utf8, plusIsSpace: true)
    }

    /// At most 16 fields; the last of two equal names counts, broken ones are left out.
    static func fields(_ text: String) -> [String: String] {
        var fields: [String: String] = [:]
        for pair in text.split(separator: "&").prefix(16) {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.count == 2, let name = decode(halves[0]), let value = decode(halves[1]) else { continue }
            fields[name] = value
        }
        return fields
    }
}
