// SPDX-License-Identifier: Apache-2.0

/// A strong validator: the hash of the content, so equal tags are equal bytes, in every release (RFC 9110 §8.8.3).
struct EntityTag: Equatable, Sendable {
    /// With its quotes.
    let text: String

    init(contentHash: String) { text = "\"\(contentHash)\"" }

    /// Whether an `If-None-Match` lists it: weak comparison, `*` matches anything (RFC 9110 §13.1.2).
    func isListed(in header: String) -> Bool {
        header.split(separator: ",").contains { item in
            var tag = item.drop { $0 == " " || $0 == "\t" }
            while tag.last == " " || tag.last == "\t" { tag.removeLast() }
            if tag.hasPrefix("W/") { tag = tag.dropFirst(2) }
            return tag == "*" || tag == text[...]
        }
    }

    /// Whether an `If-Range` allows parts: strong comparison; dates never match, for there are none here
    /// (RFC 9110 §13.1.5).
    func allowsRange(ifRange header: String?) -> Bool { header.map { $0 == text } ?? true }
}
