// SPDX-License-Identifier: Apache-2.0

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
        let path = components.map { "/" + Self.encode($0) }.joined()
        return path + (isFolder ? "/" : "")
    }

    private static func name(_ raw: Substring.UTF8View.SubSequence) throws(Problem) -> String {
        guard let bytes = decode(raw), !bytes.isEmpty, !bytes.contains(0), !bytes.contains(UInt8(ascii: "/")),
            let name = String(validating: bytes, as: UTF8.self), name != ".", name != ".."
        else { throw .malformed }
        return name
    }

    private static func decode(_ raw: Substring.UTF8View.SubSequence) -> [UInt8]? {
        var bytes: [UInt8] = []
        var rest = raw[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// Everything but the unreserved characters of RFC 3986 §2.3 as `%XX`.
    static func encode(_ name: String) -> String {
        let hex = Array("0123456789ABCDEF".utf8)
        var text: [UInt8] = []
        for byte in name.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                text.append(byte)
            default:
                text += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
