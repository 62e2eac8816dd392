// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Node

/// Ends the program on an error: one message with its remedy on standard error, and the exit code of its kind.
enum Failure {
    static func exit(with error: any Error) -> Never {
        if let error = error as? NodeError {
            report(error)
            Foundation.exit(error.kind.exitCode)
        }
        if error is CancellationError {
            Foundation.exit(130)
        }
        let code = Roost.exitCode(for: error)
        // Help, the version, and codes whose reason was printed: the parser knows what is left to do.
        guard !code.isSuccess, !(error is ExitCode) else { Roost.exit(withError: error) }
        guard code == .validationFailure else {
            let known = NodeError(
                .internal,
                "something unexpected failed: \(error)",
                remedy: "Report this with the node's log."
            )
            report(known)
            Foundation.exit(known.kind.exitCode)
        }
        // A wrong command's name explains more than what the parser makes of the words after it.
        let unknown = UnknownCommand.error(in: CommandLine.arguments.dropFirst())
        guard asksForJSON || unknown != nil else { Roost.exit(withError: error) }
        let usage =
            unknown
            ?? NodeError(.usage, Roost.message(for: error), remedy: "`roost help` lists commands and their words.")
        report(usage)
        Foundation.exit(usage.kind.exitCode)
    }

    /// The words may be wrong, so they are looked at before the parser understood them.
    private static var asksForJSON: Bool {
        let words = CommandLine.arguments.dropFirst().prefix { $0 != "--" }
        return words.contains("--json") || words.contains("--events")
    }

    static func report(_ error: NodeError) {
        let text =
            asksForJSON ? Output.json(["error": error]) : PlainText.lines("roost: \(error.message)\n  \(error.remedy)")
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }
}
