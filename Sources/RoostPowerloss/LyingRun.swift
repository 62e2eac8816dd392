// SPDX-License-Identifier: Apache-2.0
internal import Simulator

/// Records a trial and looks at what is left of it by a disk that said it had synced and had not.
struct LyingRun {
    var seed: UInt64
    /// Every so manyth state is looked at.
    var every: Int
    /// Where states that fail are kept.
    var keep: String?
    /// Ends at the first state that fails.
    var stopsAtFirst: Bool
    /// Prints what was recorded.
    var prints: Bool

    func run(_ type: any LyingTrial.Type) async throws -> Outcome {
        try await Recording.make(of: type, prints: prints) { changes, trial, root in
            guard let trial = trial as? any LyingTrial else { return Outcome() }
            return try await look(at: changes, of: trial, root)
        }
    }

    private func look(at changes: [DiskChange], of trial: any LyingTrial, _ root: String) async throws -> Outcome {
        let states = LyingStates(of: changes, below: root, seed: seed)
        var outcome = Outcome(changes: changes.count, states: states.count)
        for number in 1...max(1, states.count) where (number + Int(seed % UInt64(every))) % every == 0 {
            let state = states[number - 1]
            outcome.looked += 1
            try Folder.write(state.crash.image, of: root, to: root)
            let result = await trial.lookAfterLies()
            if !result.moved.isEmpty { outcome.moved[result.moved.joined(separator: " and "), default: 0] += 1 }
            guard !result.faults.isEmpty else { continue }
            outcome.failed += 1
            let found = Found(
                number: number,
                state: state.crash,
                liesFrom: state.liesFrom,
                faults: result.faults + result.moved.map { "(\($0) had been mended or moved away)" },
                trial: type(of: trial).name
            )
            try found.report(root, keep: keep)
            if stopsAtFirst { break }
        }
        return outcome
    }
}
