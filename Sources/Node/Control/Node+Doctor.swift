// SPDX-License-Identifier: Apache-2.0
internal import Storage

extension Node {
    public func doctor(repair: Bool, report: @escaping Report) async throws(NodeError) -> DoctorReport {
        let metadata = context.metadata
        let faults = try await context.blocking.run { try metadata.check() }
        let findings = faults.map { DoctorReport.Finding(state: "problem", what: $0, remedy: "Restore a copy.") }
        return DoctorReport(
            healthy: findings.isEmpty,
            findings: findings.isEmpty ? [.init(state: "ok", what: "the metadata database is whole")] : findings
        )
    }
}
