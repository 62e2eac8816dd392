// SPDX-License-Identifier: Apache-2.0

extension Node {
    /// Looks over everything this node keeps; with `repair` mends what can be mended.
    public func doctor(repair: Bool, report: @escaping Report) async throws(NodeError) -> DoctorReport {
        visits.used()
        return try await doctor.run(repair: repair, report: report)
    }

    /// What of it asks nobody: takes damaged files out. For trials of what a crash leaves.
    package func setAsideDamaged() async throws(NodeError) { _ = try await doctor.scrub(repair: true) { _ in } }

    private var doctor: Doctor {
        get async {
            Doctor(
                context: context,
                sites: sites,
                swarms: swarms,
                dhtNodes: await network.nodeCount,
                listens: listens,
                mapping: network.mapping
            )
        }
    }
}
