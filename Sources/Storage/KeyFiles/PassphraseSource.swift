// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Where a passphrase comes from. The edges of the program list what they have, in the order of the surface: a file
/// named by a flag, one named by the environment, a pipe from the program that started this one, the terminal.
public enum PassphraseSource: Sendable {
    case file(path: String)
    /// Read to its end, and closed.
    case descriptor(Int32)
    /// Asks a person; nil where there is none to ask.
    case prompt(@Sendable () -> [UInt8]?)

    /// The longest passphrase.
    public static let maximumBytes = 4096

    /// The passphrase without the line's end; nil where this source has none.
    func read() throws(StorageError) -> [UInt8]? {
        let text: [UInt8]?
        switch self {
        case .file(let path): text = try Self.text(of: try OpenFile.open(path, flags: O_RDONLY))
        case .descriptor(let descriptor): text = try Self.text(of: OpenFile(descriptor: descriptor, path: "passphrase"))
        case .prompt(let ask): text = ask()
        }
        guard var text else { return nil }
        if text.last == 0x0A { text.removeLast() }
        if text.last == 0x0D { text.removeLast() }
        return text.isEmpty ? nil : text
    }

    /// A pipe has no offsets, so this reads from the front.
    private static func text(of file: OpenFile) throws(StorageError) -> [UInt8] {
        var text: [UInt8] = []
        while text.count <= maximumBytes {
            let part = try file.readNext(upTo: maximumBytes + 1)
            if part.isEmpty { return text }
            text += part
        }
        throw .tooLarge(path: file.path, limit: maximumBytes)
    }
}
