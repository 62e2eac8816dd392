// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Node
internal import Storage

/// Where this program may take a passphrase from, in the order in which it asks.
enum PassphraseInput {
    static func sources(_ options: GlobalOptions) -> [PassphraseSource] {
        var sources: [PassphraseSource] = []
        if let descriptor = options.passphraseDescriptor { sources.append(.descriptor(descriptor)) }
        if let file = options.passphraseFile { sources.append(.file(path: file)) }
        if let file = ProcessInfo.processInfo.environment["ROOST_PASSPHRASE_FILE"].nonEmpty {
            sources.append(.file(path: file))
        }
        if hasTerminal { sources.append(.prompt { ask("Passphrase: ") }) }
        return sources
    }

    /// The passphrase for a node that is started in the background and can ask nobody; nil where it needs none, or
    /// finds it itself. Throws where it does not open the keys.
    static func forBackgroundNode(_ options: GlobalOptions) throws -> [UInt8]? {
        let home = LocalKeys.home(options)
        let isNamed =
            options.passphraseFile != nil
            || ProcessInfo.processInfo.environment["ROOST_PASSPHRASE_FILE"].nonEmpty != nil
        guard hasTerminal, !isNamed, NodeKeys(home: home).needsPassphrase, let typed = ask("Passphrase: ") else {
            return nil
        }
        _ = try NodeKeys(home: home, passphrases: [.prompt { typed }]).peerID()
        return typed
    }

    /// Whether a person can be asked.
    static var hasTerminal: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 }

    /// A new passphrase, typed twice; nil where none is wanted.
    static func askForNew(_ question: String) throws -> [UInt8]? {
        guard let first = ask(question), !first.isEmpty else { return nil }
        guard ask("Again: ") == first else {
            throw NodeError(.usage, "the two passphrases differ", remedy: "Type the same one twice.")
        }
        return first
    }

    /// A passphrase that protects a file which leaves the home: from `file`, else typed, twice where `isNew`.
    static func forFile(_ file: String?, isNew: Bool) throws -> [UInt8] {
        if let file {
            let text = try UserFile(file).read(limit: PassphraseSource.maximumBytes)
            let line = text.prefix { $0 != 0x0A && $0 != 0x0D }
            if !line.isEmpty { return Array(line) }
        } else if hasTerminal {
            let typed = isNew ? try askForNew("Passphrase for the file: ") : ask("Passphrase of the file: ")
            if let typed, !typed.isEmpty { return typed }
        }
        throw NodeError(
            .notPermitted,
            "an exported identity is protected by a passphrase, and none was given",
            remedy: "Give it with --file-passphrase FILE, or run this on a terminal."
        )
    }

    /// Asks on the terminal without showing what is typed; nil where the input ends.
    static func ask(_ question: String) -> [UInt8]? {
        FileHandle.standardError.write(Data(question.utf8))
        var shown = termios()
        // SAFETY: both structures outlive the calls that read and fill them.
        let isTerminal = unsafe tcgetattr(STDIN_FILENO, &shown) == 0
        var hidden = shown
        hidden.c_lflag &= ~tcflag_t(ECHO)
        if isTerminal { _ = unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) }
        defer {
            if isTerminal { _ = unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown) }
            FileHandle.standardError.write(Data("\n".utf8))
        }
        return readLine(strippingNewline: true).map { Array($0.utf8) }
    }
}
