// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Simulator

/// Records a trial and looks at every state that a crash may leave of it.
struct CrashRun {
    var seed: UInt64
    /// States by chance after each change.
    var chances: Int
    /// Every so manyth state is looked at; from every fourth of those the trial goes on.
    var every: Int
    /// Where states that fail are kept.
    var keep: String?
    /// Ends at the first state that fails.
    var stopsAtFirst: Bool
    /// Prints what was recorded.
    var prints: Bool

    func run(_ type: any Trial.Type) async throws -> Outcome {
        try await Recording.make(of: type, prints: prints) { changes, trial, root in
            try await look(at: changes, of: trial, root)
        }
    }

    private func look(at changes: [DiskChange], of trial: any Trial, _ root: String) async throws -> Outcome {
        var outcome = Outcome(changes: changes.count)
        for state in CrashStates(of: changes, below: root, seed: seed, chances: chances) where !state.marks.isEmpty {
            outcome.states += 1
            guard (outcome.states + Int(seed)) % every == 0 else { continue }
            outcome.looked += 1
            try Folder.write(state.image, of: root, to: root)
            let faults = await trial.faults(marks: state.marks, goesOn: outcome.looked % 4 == 1)
            guard !faults.isEmpty else { continue }
            outcome.failed += 1
            let found = Found(number: outcome.states, state: state, faults: faults, trial: type(of: trial).name)
            try found.report(root, keep: keep)
            if stopsAtFirst { break }
        }
        return outcome
    }
}
