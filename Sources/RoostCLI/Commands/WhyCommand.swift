// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Node

struct WhyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why",
        abstract: "Trace an address from its name to its page, and say what fails and what helps."
    )

    @OptionGroup var options: GlobalOptions
    @OptionGroup var start: StartChoice

    @Argument(help: "A betanet: or magnet: address, a gateway URL, or a .torrent file.")
    var url: String

    func run() async throws {
        let address = try AddressArgument(url)
        let node = try await NodeConnection.open(options, start)
        let bar = ProgressBar(shown: options.showsProgress)
        let isText = !options.json
        let report = try await node.why(try await address.link(for: node)) { progress in
            guard let stage = progress.passed else { return bar.say("\(progress.stage) …") }
            bar.clear()
            // Each stage is seen when it ends: one that nobody answers takes up to half a minute.
            if isText { Output.line(PlainText.lines(Self.text(stage))) }
        }
        bar.clear()
        if !isText { Output.line(Output.json(report)) }
        let kind = report.stages.last?.kind ?? .unavailable
        if !report.ok { throw ExitCode(kind.exitCode) }
    }
}

extension WhyCommand {
    private static func text(_ stage: WhyReport.Stage) -> String {
        let time = String(format: "%8.1f ms", stage.seconds * 1000)
        let remedy = stage.remedy.map { "\n              → \($0)" } ?? ""
        return "\(stage.ok ? "ok  " : "FAIL")  \(time)  \(stage.stage): \(stage.detail)\(remedy)"
    }
}
