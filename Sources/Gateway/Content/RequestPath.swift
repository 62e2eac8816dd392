// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The path of a request target, taken apart once and strictly.
///
/// Decoding happens after splitting, so that an encoded slash is never a separator; what a release cannot contain
/// (empty names, `.`, `..`, NUL, ill-formed UTF-8) is refused here instead of being cleaned up.
struct RequestPath: Hashable, Sendable {
    enum Problem: Error, Equatable {
        case malformed
        case tooLong
    }

    static let longest = 4096

    /// Names from the root, decoded.
    var components: [String]
    /// The target ended in `/`.
    var isFolder: Bool
    /// What stood after the first `?`, as it came.
    var query: String?

    init(components: [String], isFolder: Bool = false, query: String? = nil) {
        self.components = components
        self.isFolder = isFolder || components.isEmpty
        self.query = query
    }

    init(target: String) throws(Problem) {
        guard target.utf8.count <= Self.longest else { throw .tooLong }
        let halves = target.utf8.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let path = halves.first, path.first == UInt8(ascii: "/") else { throw .malformed }
        query = halves.count == 2 ? String(halves[1]) : nil
        var names = path.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        isFolder = names.last?.isEmpty ?? true
        if isFolder { names = names.dropLast() }
        components = []
        for name in names {
            components.append(try Self.name(name))
        }
    }

    /// Encoded again, one spelling each. Always one slash at the start, so never read as another host.
    var encoded: String {
        let path = components.map { "/" + PercentEncoding.encode($0) }.joined()
        return path + (isFolder ? "/" : "")
    }

    private static func name(_ raw: Substring.UTF8View.SubSequence) throws(Problem) -> String {
        guard let name = PercentEncoding.decodeText(raw), !name.isEmpty, name != ".", name != "..",
            !name.utf8.contains(0), !name.utf8.contains(UInt8(ascii: "/"))
        else { throw .malformed }
        return name
    }
}
