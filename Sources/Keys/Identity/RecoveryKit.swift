// SPDX-License-Identifier: Apache-2.0
public import Wire

/// What a person writes down or prints and keeps away from the computer: the recovery key of an identity or a site,
/// and whose it is.
///
/// As text: 28 groups of four base32 characters, seven lines of four. They hold
/// `version (1) ‖ kind (1) ‖ subject (32) ‖ seed (32)` and the first four bytes of
/// `SHA-256("roost/recovery-kit" ‖ 0x00 ‖ those)`, so that a slip of the pen is told from a wrong kit.
public struct RecoveryKit: Sendable, Equatable {
    /// What the key recovers, as it stands in the text.
    public enum Kind: UInt8, Sendable {
        case identity = 1
        case site = 2
    }

    /// What is wrong with a text that somebody typed in.
    public enum Failure: Error, Equatable {
        /// A character that no kit has.
        case unreadableCharacter(Character)
        /// Characters are missing or too many: `received` of 112.
        case wrongLength(received: Int)
        /// A character was misread or swapped.
        case wrongChecksum
        /// Made by a later program.
        case unsupportedVersion(UInt8)
    }

    /// Whether it recovers an identity or a site.
    public let kind: Kind
    /// SHA-256 of the first key of the identity or site: which one this recovers.
    public let subject: Digest256
    /// Of the recovery key.
    public let seed: SecretKey

    /// A kit to be printed: nothing is checked, as ``subject`` and ``seed`` are not derived from each other.
    public init(_ kind: Kind, subject: Digest256, seed: SecretKey) {
        self.kind = kind
        self.subject = subject
        self.seed = seed
    }
}

extension RecoveryKit {
    private static let version: UInt8 = 1
    private static let checksumByteCount = 4
    private static let byteCount = 2 + 32 + 32 + checksumByteCount
    private static let characterCount = byteCount * 8 / 5

    /// The groups alone; what stands above and below them is the printer's choice, on lines that start with `#`.
    public var text: String {
        let payload = [Self.version, kind.rawValue] + subject.bytes + seed.bytes
        let characters = Array(Base32.encode(payload + Self.checksum(payload), uppercase: true))
        let groups = stride(from: 0, to: characters.count, by: 4).map { String(characters[$0..<$0 + 4]) }
        let lines = stride(from: 0, to: groups.count, by: 4).map { groups[$0..<$0 + 4].joined(separator: " ") }
        return lines.joined(separator: "\n") + "\n"
    }

    /// From text as people type it: either case, any spaces, line breaks and hyphens; `0`, `1` and `8`, which
    /// base32 has not, count as the letters O, I and B; lines that start with `#` are left out.
    public init(_ text: String) throws(Failure) {
        let digits = try Self.digits(in: text)
        guard digits.utf8.count == Self.characterCount else { throw .wrongLength(received: digits.utf8.count) }
        guard let bytes = Base32.decode(digits), bytes.count == Self.byteCount else { throw .wrongChecksum }
        let payload = Array(bytes.dropLast(Self.checksumByteCount))
        guard Self.checksum(payload).elementsEqual(bytes.suffix(Self.checksumByteCount)) else { throw .wrongChecksum }
        guard payload[0] == Self.version, let kind = Kind(rawValue: payload[1]) else {
            throw .unsupportedVersion(payload[0])
        }
        guard let subject = Digest256(payload[2..<34]) else { throw .wrongChecksum }
        self.init(kind, subject: subject, seed: SecretKey(exactly: Array(payload[34...])))
    }

    private static func digits(in text: String) throws(Failure) -> String {
        var digits = ""
        for line in text.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
            for character in line where !character.isWhitespace && character != "-" {
                switch character {
                case "0": digits.append("O")
                case "1": digits.append("I")
                case "8": digits.append("B")
                case "A"..."Z", "a"..."z", "2"..."7":
                    // A range of characters holds more than its ends suggest.
                    guard character.isASCII else { throw .unreadableCharacter(character) }
                    digits.append(character)
                default: throw .unreadableCharacter(character)
                }
                guard digits.utf8.count <= characterCount else { throw .wrongLength(received: digits.utf8.count) }
            }
        }
        return digits
    }

    private static func checksum(_ payload: [UInt8]) -> ArraySlice<UInt8> {
        Hash.sha256(Array("roost/recovery-kit".utf8) + [0] + payload).bytes.prefix(checksumByteCount)
    }
}
