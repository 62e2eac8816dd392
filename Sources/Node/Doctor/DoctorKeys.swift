// SPDX-License-Identifier: Apache-2.0
internal import Storage

/// Whether the key files of a home open.
struct DoctorKeys: Sendable {
    let keys: NodeKeys

    /// Blocks; with a passphrase for a noticeable part of a second a key.
    var findings: [DoctorReport.Finding] {
        let names: [String]
        do throws(NodeError) { names = try keys.names(startingWith: "") } catch {
            return [.problem(error.message, error.remedy)]
        }
        var findings: [DoctorReport.Finding] = []
        for name in names {
            do throws(KeyStoreError) {
                _ = try keys.store.load(name)
            } catch .noSuchKey {
                // Removed since the look at the names, as the key of a site that a crash left unfinished.
            } catch {
                let error = NodeError(error)
                findings.append(.problem(error.message, error.remedy))
            }
        }
        if findings.isEmpty { findings.append(.ok("\(names.count) key files open")) }
        return findings
    }
}
