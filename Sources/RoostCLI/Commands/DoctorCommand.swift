// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Node

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Verify what the node stores, and repair what can be repaired."
    )

    @OptionGroup var options: GlobalOptions
    @OptionGroup var start: StartChoice

    @Flag(inversion: .prefixedNo, help: "Repair, or only report and change nothing that is stored.")
    var repair = true

    func run() async throws {
        var early = HomeDoctor.Result()
        if !start.refused, try await NodeConnection.running(options) == nil {
            early = try HomeDoctor(home: LocalKeys.home(options)).run(repair: repair)
        }
        let report = try await report(after: early)
        options.print(report) { report in
            report.findings.map { "\($0.state): \($0.what)" + ($0.remedy.map { "\n  → \($0)" } ?? "") }
                .joined(separator: "\n")
        }
        if !report.healthy { throw ExitCode(NodeError.Kind.badData.exitCode) }
    }

    /// What keeps a node from starting is a finding like others; what it finds itself follows.
    private func report(after early: HomeDoctor.Result) async throws -> DoctorReport {
        guard early.mayStart else {
            let rest = DoctorReport.Finding(
                state: "problem",
                what: "the rest was not looked at, as no node was started on this home as it is",
                remedy: "Do that first, then run `roost doctor` again."
            )
            return DoctorReport(healthy: false, findings: early.findings + [rest])
        }
        let node: RemoteNode
        do {
            node = try await NodeConnection.open(options, start)
        } catch let error as NodeError where !early.findings.isEmpty {
            let failure = DoctorReport.Finding(state: "problem", what: error.message, remedy: error.remedy)
            return DoctorReport(healthy: false, findings: early.findings + [failure])
        }
        let bar = ProgressBar(shown: options.showsProgress)
        var report = try await node.doctor(repair: repair) { bar.show($0) }
        bar.clear()
        report.findings = early.findings + report.findings
        report.healthy = !report.findings.contains { $0.state == "problem" }
        return report
    }
}
