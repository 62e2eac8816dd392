// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

/// Turns one name from outside into one that any file system takes and that cannot leave its folder.
///
/// The same name gives the same result on every system; the rules are in `docs/protocols/torrents.md`. Names are not
/// rewritten to a Unicode normal form: two that differ only in it are kept apart by ``PathSanitizer``.
struct NameSanitizer {
    private(set) var changes: NameChanges = []

    static let replacement: Character = "_"

    mutating func sanitize(_ name: String) -> String {
        guard !name.isEmpty else { return changed(.empty, to: String(Self.replacement)) }
        if Self.isPlain(name) { return name }
        var result = replacingScalars(of: name)
        result = replacingTail(of: result)
        if Self.isDeviceName(result) { result = changed(.deviceName, to: String(Self.replacement) + result) }
        guard result.utf8.count > TorrentSpecification.maximumComponentBytes else { return result }
        return changed(.shortened, to: Self.shortened(result))
    }

    /// Whether no rule can apply, seen from the bytes alone: true of nearly all names, and a torrent may have a million.
    private static func isPlain(_ name: String) -> Bool {
        let bytes = name.utf8
        guard bytes.count <= TorrentSpecification.maximumComponentBytes, let first = bytes.first, let last = bytes.last,
            last != UInt8(ascii: "."), last != UInt8(ascii: " ")
        else { return false }
        guard first != UInt8(ascii: " "), !mayBeDeviceName(bytes) else { return false }
        return bytes.allSatisfy(isPlain)
    }

    /// Whether the name begins as that of a device does, up to a dot or a space.
    private static func mayBeDeviceName(_ bytes: String.UTF8View) -> Bool {
        let start = bytes.prefix(2).reduce(0) { $0 << 8 | UInt16($1 | 0x20) }
        // "co" of CON, COM and CONIN$, "cl" of CLOCK$, "pr" of PRN, "au" of AUX, "nu" of NUL, "lp" of LPT.
        guard [0x636F, 0x636C, 0x7072, 0x6175, 0x6E75, 0x6C70].contains(start) else { return false }
        return bytes.prefix { $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: " ") }.count <= 7
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "/"), UInt8(ascii: "\\"), UInt8(ascii: ":"), UInt8(ascii: "*"), UInt8(ascii: "?"),
            UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "|"):
            false
        default: byte >= 0x20 && byte < 0x7F
        }
    }

    private mutating func changed(_ change: NameChanges, to name: String) -> String {
        changes.insert(change)
        return name
    }

    private mutating func replacingScalars(of name: String) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in name.unicodeScalars {
            let change = Self.change(of: scalar)
            changes.formUnion(change)
            scalars.append(change.isEmpty ? scalar : "_")
        }
        return String(scalars)
    }

    private static func change(of scalar: Unicode.Scalar) -> NameChanges {
        switch scalar {
        case "/", "\\", ":", "*", "?", "\"", "<", ">", "|": .reservedCharacter
        case "\u{FFFD}": .invalidText
        // Direction marks, which can make a name read as another, and the byte order mark. Joiners stay: they spell.
        case "\u{61C}", "\u{200E}", "\u{200F}", "\u{202A}"..."\u{202E}", "\u{2066}"..."\u{2069}", "\u{FEFF}": .invisible
        default:
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator, .surrogate: .invisible
            default: []
            }
        }
    }

    /// A name of dots is this folder or the one above, and a dot or space at the end is dropped by some systems.
    private mutating func replacingTail(of name: String) -> String {
        let kept = name.unicodeScalars.reversed().drop { $0 == "." || $0 == " " }.reversed()
        let tail = name.unicodeScalars.count - kept.count
        guard tail > 0 else { return name }
        var scalars = String.UnicodeScalarView(kept)
        scalars.append(contentsOf: repeatElement("_", count: tail))
        return changed(.dots, to: String(scalars))
    }

    private static func isDeviceName(_ name: String) -> Bool {
        let stem = name.prefix { $0 != "." }.drop { $0 == " " }.uppercased()
        let trimmed = String(stem.reversed().drop { $0 == " " }.reversed())
        if ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"].contains(trimmed) { return true }
        guard trimmed.count == 4, trimmed.hasPrefix("COM") || trimmed.hasPrefix("LPT"), let last = trimmed.last else {
            return false
        }
        return "0123456789\u{B9}\u{B2}\u{B3}".contains(last)
    }

    /// The front of the name, 8 digits of its hash, and its extension where that is short: still told from other long
    /// names, and still opened by the same program.
    private static func shortened(_ name: String) -> String {
        let mark = "~" + Hash.sha256(Array(name.utf8)).hex.prefix(8)
        var ending = ""
        if let dot = name.lastIndex(of: "."), dot != name.startIndex, name[dot...].utf8.count <= 16 {
            ending = String(name[dot...])
        }
        let room = TorrentSpecification.maximumComponentBytes - mark.utf8.count - ending.utf8.count
        var front = String.UnicodeScalarView()
        var used = 0
        for scalar in name.unicodeScalars {
            used += String(scalar).utf8.count
            if used > room { break }
            front.append(scalar)
        }
        return String(front) + mark + ending
    }
}
