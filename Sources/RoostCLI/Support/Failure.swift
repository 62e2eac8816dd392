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
        // Help, the version, wrong words: the parser knows what to print, and 64 is its code for usage.
        Roost.exit(withError: error)
    }

    static func report(_ error: NodeError) {
        let asJSON = CommandLine.arguments.contains("--json") || CommandLine.arguments.contains("--events")
        let text = asJSON ? Output.json(["error": error]) : "roost: \(error.message)\n  \(error.remedy)"
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }
}
