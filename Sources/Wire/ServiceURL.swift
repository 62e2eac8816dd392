// SPDX-License-Identifier: Apache-2.0

/// Where a tracker or a web seed is: an `http`, `https` or `udp` URL in its parts (RFC 3986).
///
/// Only printable ASCII is kept, so that no part can end a header line; other bytes are percent-encoded. User names in URLs
/// are refused: they are there to deceive readers, or are secrets that redirects would carry away. A fragment is dropped.
public struct ServiceURL: Hashable, Sendable {
    /// The longest text that is read, in bytes before escaping: RFC 9110 §4.1 asks everybody to take 8000 at least.
    public static let maximumBytes = 8192

    /// The three that trackers and web seeds are reached by.
    public enum Scheme: String, Hashable, Sendable {
        case http, https, udp

        /// What a URL without a port means; for `udp` there is none.
        var port: UInt16? {
            switch self {
            case .http: 80
            case .https: 443
            case .udp: nil
            }
        }
    }

    /// Decides how the service is spoken to.
    public let scheme: Scheme
    /// A name in lower case, or an address without brackets.
    public let host: String
    /// As given, or what the scheme means without one; never 0.
    public let port: UInt16
    /// Begins with a slash; escapes as they were given.
    public private(set) var path: String
    /// What follows the question mark; nil where there is none.
    public private(set) var query: String?

    /// Nil for what is no such URL.
    public init?(_ text: some StringProtocol) {
        guard text.utf8.count <= Self.maximumBytes else { return nil }
        // First, so that all below sees bytes: to Swift a question mark and a combining accent are one character.
        let text = Self.printable(text.utf8)
        guard let colon = text.firstIndex(of: ":"),
            let scheme = Scheme(rawValue: text[..<colon].lowercased())
        else { return nil }
        let rest = text[text.index(after: colon)...]
        guard rest.hasPrefix("//") else { return nil }
        let body = rest.dropFirst(2)
        let end = body.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? body.endIndex
        guard let (host, port) = Self.authority(String(body[..<end])), let port = port ?? scheme.port else {
            return nil
        }
        self.scheme = scheme
        self.host = host
        self.port = port
        path = "/"
        set(target: String(body[end...]))
    }

    /// The address, where the host is one.
    public var address: IPAddress? { IPAddress(host) }

    /// `host` or `host:port`, as a Host header has it (RFC 9110 §7.2).
    public var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == scheme.port ? name : "\(name):\(port)"
    }

    /// Path and query, as a request line has them.
    public var target: String { query.map { "\(path)?\($0)" } ?? path }

    /// The same scheme, host and port: a connection to one serves the other.
    public func hasSameOrigin(as other: ServiceURL) -> Bool {
        scheme == other.scheme && host == other.host && port == other.port
    }

    /// With `path`, whose escapes must be there already, in place of this one, and the query as it is.
    public func with(path: String) -> ServiceURL {
        var copy = self
        copy.path = Self.printable(path.utf8.prefix(Self.maximumBytes))
        return copy
    }

    /// With parameters, whose escapes must be there already, behind those that the query has.
    public func adding(query parameters: String) -> ServiceURL {
        var copy = self
        let known = query ?? ""
        copy.query = known.isEmpty || known.hasSuffix("&") ? known + parameters : "\(known)&\(parameters)"
        return copy
    }

    /// What a reference, such as a Location header's, means from here (RFC 3986 §5.2); nil for what is no such URL.
    public func resolving(_ reference: some StringProtocol) -> ServiceURL? {
        guard !reference.isEmpty, reference.utf8.count <= Self.maximumBytes else { return nil }
        let reference = Self.printable(reference.utf8)
        if reference.hasPrefix("//") { return ServiceURL("\(scheme.rawValue):\(reference)") }
        if let mark = reference.firstIndex(where: { ":/?#".contains($0) }), reference[mark] == ":" {
            return ServiceURL(reference)
        }
        var copy = self
        if reference.hasPrefix("/") || reference.hasPrefix("?") {
            copy.set(target: reference.hasPrefix("?") ? path + String(reference) : String(reference))
        } else {
            let folder = path[...(path.lastIndex(of: "/") ?? path.startIndex)]
            copy.set(target: folder + String(reference))
        }
        return copy
    }

    private mutating func set(target: String) {
        let text = target.prefix { $0 != "#" }
        let mark = text.firstIndex(of: "?")
        let start = text[..<(mark ?? text.endIndex)]
        path = start.hasPrefix("/") ? Self.printable(start.utf8) : "/" + Self.printable(start.utf8)
        query = mark.map { Self.printable(text[text.index(after: $0)...].utf8) }
    }

    private static func printable(_ bytes: some Sequence<UInt8>) -> String {
        var text = ""
        for byte in bytes {
            if (0x21...0x7E).contains(byte), byte != UInt8(ascii: "<"), byte != UInt8(ascii: ">"),
                byte != UInt8(ascii: "\"")
            {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                text += "%" + Hex.encode([byte]).uppercased()
            }
        }
        return text
    }

    private static func authority(_ text: String) -> (host: String, port: UInt16?)? {
        if text.hasPrefix("[") {
            guard let close = text.firstIndex(of: "]"),
                let address = IPAddress(String(text[text.index(after: text.startIndex)..<close])), !address.isV4,
                let port = port(text[text.index(after: close)...])
            else { return nil }
            return (address.description, port)
        }
        let end = text.firstIndex(of: ":") ?? text.endIndex
        let host = text[..<end].lowercased()
        let isName = host.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."),
                UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        guard isName, (1...253).contains(host.utf8.count), let port = port(text[end...]) else { return nil }
        return (host, port)
    }

    /// Of `:80`; a missing one is `.some(nil)`, one that is none is nil.
    private static func port(_ text: Substring) -> UInt16?? {
        guard let colon = text.first else { return .some(nil) }
        let digits = text.dropFirst()
        if colon == ":", digits.isEmpty { return .some(nil) }
        guard colon == ":", digits.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(digits), port != 0
        else {
            return nil
        }
        return .some(port)
    }
}

extension ServiceURL: CustomStringConvertible {
    /// The URL in full, with escapes and without a port that its scheme implies.
    public var description: String { "\(scheme.rawValue)://\(authority)\(target)" }
}
