// SPDX-License-Identifier: Apache-2.0
public import Wire

/// The origins that sites have in a browser: `http://<base32 of the site id>.localhost:8420/`.
public struct GatewayNames: Sendable, Equatable {
    /// The gateway's port.
    public var port: UInt16

    /// Takes each value as it is.
    public init(port: UInt16) {
        self.port = port
    }

    /// The address of `path` of a site in a browser; of one release where `sequence` is given.
    public func url(of site: Digest256, sequence: UInt64? = nil, path: [String] = []) -> String {
        let version = sequence.map { "v\($0)-" } ?? ""
        let tail = path.map { PercentEncoding.encode($0) }.joined(separator: "/")
        return "http://\(version)\(Base32.encode(site.bytes)).localhost:\(port)/\(tail)"
    }

    /// The site, release and path that a gateway URL names; nil where it is none of ours.
    public static func parse(_ url: String) -> (site: Digest256, selector: ReleaseSelector, path: [String])? {
        guard let rest = url.dropping(prefix: "http://") else { return nil }
        let end = rest.firstIndex(where: { "/?#".contains($0) }) ?? rest.endIndex
        let authority = rest[..<end].split(separator: ":", maxSplits: 1)
        guard let host = authority.first, host.hasSuffix(".localhost") else { return nil }
        guard var label = host.split(separator: ".").first else { return nil }
        var selector = ReleaseSelector.newest
        if label.hasPrefix("v"), let dash = label.firstIndex(of: "-") {
            guard let sequence = UInt64(label.dropFirst().prefix(upTo: dash)) else { return nil }
            selector = .sequence(sequence)
            label = label[label.index(after: dash)...]
        }
        guard let bytes = Base32.decode(label), let site = Digest256(bytes), let path = path(in: rest[end...]) else {
            return nil
        }
        return (site, selector, path)
    }

    /// The components of the path at the front of `text`, percent-decoded; nil where one is no text or climbs.
    static func path(in text: Substring) -> [String]? {
        let path = text.prefix { $0 != "?" && $0 != "#" }
        var components: [String] = []
        for part in path.split(separator: "/") {
            guard let component = percentDecode(part), component != "..", !component.contains("/") else { return nil }
            if component != "." { components.append(component) }
        }
        return components
    }

    /// The text that `text` stands for, which has no NUL; nil where it is none.
    static func percentDecode(_ text: some StringProtocol) -> String? {
        PercentEncoding.decodeText(text.utf8).flatMap { $0.utf8.contains(0) ? nil : $0 }
    }
}

extension StringProtocol {
    /// What stands behind `prefix`, compared without case; nil where it does not start so.
    func dropping(prefix: String) -> Substring? {
        guard self.prefix(prefix.count).lowercased() == prefix.lowercased() else { return nil }
        return Substring(dropFirst(prefix.count))
    }
}
