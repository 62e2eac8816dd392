// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation

/// What every command takes.
struct GlobalOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The home of the node.", valueName: "dir"))
    var home: String?

    @Flag(help: "Print exactly one JSON value, and errors as JSON.")
    var json = false

    @Flag(name: .shortAndLong, help: "Print results only, no progress.")
    var quiet = false

    @Option(help: ArgumentHelp("A file with the passphrase of the keys.", valueName: "file"))
    var passphraseFile: String?

    @Option(help: ArgumentHelp("An open descriptor to read the passphrase from.", visibility: .private))
    var passphraseDescriptor: Int32?

    /// `--home`, else `$ROOST_HOME`, else `$XDG_DATA_HOME/roost`, else `~/.local/share/roost`; absolute.
    var homeDirectory: URL {
        let environment = ProcessInfo.processInfo.environment
        if let path = home ?? environment["ROOST_HOME"].nonEmpty { return URL(fileURLWithPath: path) }
        if let data = environment["XDG_DATA_HOME"].nonEmpty {
            return URL(fileURLWithPath: data).appendingPathComponent("roost")
        }
        let user = URL(fileURLWithPath: environment["HOME"].nonEmpty ?? "/")
        return user.appendingPathComponent(".local/share/roost")
    }

    /// Prints `value` as JSON, or what `text` makes of it.
    func print<Value: Encodable>(_ value: Value, text: (Value) -> String) {
        Output.line(json ? Output.json(value) : PlainText.lines(text(value)))
    }

    /// Progress is drawn for a person who looks on.
    var showsProgress: Bool { !quiet && !json && isatty(STDERR_FILENO) == 1 }
}

extension String? {
    var nonEmpty: String? { self == "" ? nil : self }
}
