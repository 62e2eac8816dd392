// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The site, and perhaps the one release, that the `Host` of a request names.
///
/// `<base32>.localhost`, `v<seq>-<base32>.localhost`, and either with `.n-<network>` before `.localhost`. Nothing else
/// is served: a name of somebody else's that was made to point at loopback (DNS rebinding) never gets past this.
struct ContentHost: Hashable, Sendable {
    var site: Digest256
    /// Set on the origin of one release.
    var sequence: UInt64?
    /// Nil for Mainline.
    var network: String?

    init(site: Digest256, sequence: UInt64? = nil, network: String? = nil) {
        self.site = site
        self.sequence = sequence
        self.network = network
    }

    /// Nil unless `authority` is exactly a content host with `port`.
    init?(authority: String, port: Int) {
        guard authority.utf8.count <= 255 else { return nil }
        let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
        // A browser leaves out the port of the scheme, and only that one.
        guard parts.count == 2 ? parts[1] == String(port) : parts.count == 1 && port == 80 else { return nil }
        let labels = parts[0].lowercased().split(separator: ".", omittingEmptySubsequences: false)
        guard labels.count == 2 || labels.count == 3, labels.last == "localhost" else { return nil }
        if labels.count == 3 {
            guard let network = Self.network(in: labels[1]) else { return nil }
            self.network = network
        }
        guard let (site, sequence) = Self.site(in: labels[0]) else { return nil }
        self.site = site
        self.sequence = sequence
    }

    /// The name without the port.
    var name: String {
        let label = (sequence.map { "v\($0)-" } ?? "") + Base32.encode(site.bytes)
        return label + (network.map { ".n-\($0)" } ?? "") + ".localhost"
    }

    private static func network(in label: Substring) -> String? {
        guard label.hasPrefix("n-"), label.utf8.count > 2 else { return nil }
        return String(label.dropFirst(2))
    }

    private static func site(in label: Substring) -> (Digest256, UInt64?)? {
        if let site = siteID(label) { return (site, nil) }
        guard label.hasPrefix("v"), let dash = label.firstIndex(of: "-") else { return nil }
        let digits = label[label.index(after: label.startIndex)..<dash]
        // One spelling for each release, or one release would have several origins.
        guard !digits.isEmpty, digits.first != "0", digits.utf8.allSatisfy({ (48...57).contains($0) }),
            let sequence = UInt64(digits), let site = siteID(label[label.index(after: dash)...])
        else { return nil }
        return (site, sequence)
    }

    private static func siteID(_ label: Substring) -> Digest256? { Base32.decode(label).flatMap { Digest256($0) } }
}
