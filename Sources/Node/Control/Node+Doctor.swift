// SPDX-License-Identifier: Apache-2.0

extension Node {
    /// Looks over everything this node keeps; with `repair` mends what can be mended.
    public func doctor(repair: Bool, report: @escaping Report) async throws(NodeError) -> DoctorReport {
        visits.used()
        let doctor = Doctor(
            context: context,
            sites: sites,
            swarms: swarms,
            dhtNodes: await network.nodeCount,
            listens: listens,
            mapping: network.mapping
        )
        return try await doctor.run(repair: repair, report: report)
    }
}
