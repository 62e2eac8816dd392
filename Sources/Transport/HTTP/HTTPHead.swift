// SPDX-License-Identifier: Apache-2.0
internal import NIOHTTP1

/// The head of an answer, as far as trackers and web seeds need it.
public struct HTTPHead: Sendable {
    /// The status code, of three digits.
    public let status: Int
    /// Bytes of the body where the server states them; nil for a chunked one.
    public let contentLength: Int64?
    /// The first byte and the length of the part that a 206 brings.
    public let contentRange: (start: Int64, length: Int64)?
    /// Where a redirect leads, as it was written: not judged, perhaps no URL.
    public let location: String?
    /// Seconds, where it is a number; a date is not understood.
    public let retryAfter: Int?
    /// The body is as it is: no gzip or other coding.
    public let isPlain: Bool

    init(_ head: HTTPResponseHead) {
        status = Int(head.status.code)
        contentLength = head.headers.first(name: "content-length").flatMap { Int64($0) }.flatMap { $0 >= 0 ? $0 : nil }
        contentRange = head.headers.first(name: "content-range").flatMap { Self.range($0) }
        location = head.headers.first(name: "location")
        retryAfter = head.headers.first(name: "retry-after").flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil }
        let coding = head.headers.first(name: "content-encoding")?.lowercased()
        isPlain = coding == nil || coding == "" || coding == "identity"
    }

    /// A status with which ``location`` is to be followed (RFC 9110 §15.4).
    public var isRedirect: Bool { [301, 302, 303, 307, 308].contains(status) }

    /// `bytes 0-99/200` (RFC 9110 §14.4); the whole length may be unknown.
    static func range(_ text: String) -> (start: Int64, length: Int64)? {
        let parts = text.split(separator: " ", omittingEmptySubsequences: true)
        guard parts.count == 2, parts[0].lowercased() == "bytes" else { return nil }
        let bounds = parts[1].prefix { $0 != "/" }.split(separator: "-", omittingEmptySubsequences: false)
        guard bounds.count == 2, let first = Int64(bounds[0]), let last = Int64(bounds[1]), first >= 0, last >= first,
            last < Int64.max
        else { return nil }
        return (first, last - first + 1)
    }
}
