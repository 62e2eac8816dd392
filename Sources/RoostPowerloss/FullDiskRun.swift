// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Node
internal import Simulator

/// Fills the disk at every change of a trial: nothing may be acknowledged that is not there, what is said must be an
/// error with a remedy, and when there is room again the trial goes on.
struct FullDiskRun {
    var seed: UInt64
    /// The disk is full from every so manyth change on.
    var every: Int

    func run(_ type: any Trial.Type) async throws -> Outcome {
        let scratch = try Folder.scratch()
        defer { Folder.remove(scratch) }
        let root = scratch + "/root"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        let trial = try await type.init(root: root)
        var outcome = Outcome()
        do {
            var before: UInt64 = 0
            _ = try await Recorder.record(root) { try await trial.run { before = Recorder.changes } }
            outcome.changes = Int(Recorder.changes - before)
            for first in 1...max(1, outcome.changes) where (first + Int(seed)) % every == 0 {
                outcome.looked += 1
                let faults = try await fill(from: first, trial, root)
                guard !faults.isEmpty else { continue }
                outcome.failed += 1
                print("full from change \(first) on:")
                for fault in faults { print("    \(fault)") }
            }
        } catch {
            await trial.end()
            throw error
        }
        await trial.end()
        outcome.states = outcome.changes
        return outcome
    }

    private func fill(from first: Int, _ trial: any Trial, _ root: String) async throws -> [String] {
        Folder.remove(root)
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        var faults: [String] = []
        let changes = try await Recorder.record(root) {
            do {
                try await trial.run { Recorder.fill(from: Recorder.changes + UInt64(first)) }
            } catch let error as NodeError {
                // The disk itself, or a database on it, says what is wrong and what to do.
                if error.remedy.isEmpty || error.kind == .internal {
                    faults.append("no help: \(error.kind): \(error.message)")
                }
            } catch is CocoaError {
                // The user's own edit of the folder failed.
            } catch {
                faults.append("\(error)")
            }
            Recorder.fill(from: 0)
        }
        let marks = changes.compactMap { if case .mark(let text) = $0 { text } else { nil } }
        return faults + (await trial.faults(marks: marks, goesOn: true))
    }
}
