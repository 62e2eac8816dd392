// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Node

struct ConformanceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "conformance",
        abstract: "Run test vectors through this program's own code.",
        discussion: """
            DIR holds one folder a topic. Every file of a known topic is read; what this version has no code for \
            counts as not applicable. Ends with 65 if any vector fails.
            """
    )

    @OptionGroup var options: GlobalOptions
    @Argument(help: ArgumentHelp("A folder with one folder a topic.", valueName: "dir")) var directory: String

    func run() async throws {
        let report = try ConformanceRunner.run(URL(fileURLWithPath: directory))
        options.print(report, text: \.text)
        guard report.failed == 0 else {
            throw NodeError(
                .badData,
                "\(report.failed) of \(report.passed + report.failed) vectors failed",
                remedy: "If the vectors are as published, this program is at fault: please report it."
            )
        }
    }
}
