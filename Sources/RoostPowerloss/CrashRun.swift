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

    struct Outcome {
        var changes = 0
        var states = 0
        var looked = 0
        var failed = 0
    }

    func run(_ type: any Trial.Type) async throws -> Outcome {
        let scratch = try Folder.scratch()
        defer { Folder.remove(scratch) }
        let root = scratch + "/root"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        let trial = try await type.init(root: root)
        let outcome: Outcome
        do {
            let changes = try await Recorder.record(root) { try await trial.run {} }
            if prints { for (number, change) in changes.enumerated() { print("\(number + 1) \(Self.text(change))") } }
            try compare(CrashStates.end(of: changes, below: root), with: root)
            outcome = try await look(at: changes, of: trial, root)
        } catch {
            await trial.end()
            throw error
        }
        await trial.end()
        return outcome
    }

    /// A change that the record missed would make every state wrong: its end must be what is there.
    private func compare(_ image: DiskImage, with root: String) throws {
        var recorded: [String: [UInt8]] = [:]
        for file in image.files where !file.path.hasSuffix("-shm") {
            recorded[String(file.path.dropFirst(root.count + 1))] = file.bytes
        }
        let real = (Folder.read(root) ?? [:]).filter { !$0.key.hasSuffix("-shm") }
        for path in Set(real.keys).union(recorded.keys).sorted() where real[path] != recorded[path] {
            let sizes = [real[path], recorded[path]].map { $0.map { "\($0.count) bytes" } ?? "nothing" }
            throw Failure("the record misses changes of \(path): \(sizes[0]), recorded \(sizes[1])")
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
            print(
                "after change \(state.after) (\(Self.text(state.change))), \(state.chance), \(state.marks.last ?? ""):"
            )
            for fault in faults { print("    \(fault)") }
            if let keep {
                try Folder.write(state.image, of: root, to: "\(keep)/\(type(of: trial).name)-\(outcome.states)")
            }
            if stopsAtFirst { break }
        }
        return outcome
    }

    private static func text(_ change: DiskChange) -> String {
        if case .write(let file, let offset, let bytes) = change {
            return "\(bytes.count) bytes at \(offset) of \(file)"
        }
        return "\(change)"
    }
}
