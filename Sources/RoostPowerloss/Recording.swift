// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Simulator

/// What a run has looked at.
struct Outcome {
    var changes = 0
    var states = 0
    var looked = 0
    var failed = 0
    /// How often a node had to begin again without something.
    var moved: [String: Int] = [:]
}

/// A trial that is recorded once, in a folder of its own in which its states are written out then.
enum Recording {
    static func make(
        of type: any Trial.Type,
        prints: Bool,
        _ body: ([DiskChange], any Trial, _ root: String) async throws -> Outcome
    ) async throws -> Outcome {
        let scratch = try Folder.scratch()
        defer { Folder.remove(scratch) }
        let root = scratch + "/root"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        let trial = try await type.init(root: root)
        let outcome: Outcome
        do {
            let changes = try await Recorder.record(root) { try await trial.run {} }
            if prints { for (number, change) in changes.enumerated() { print("\(number + 1) \(text(change))") } }
            try compare(CrashStates.end(of: changes, below: root), with: root)
            outcome = try await body(changes, trial, root)
        } catch {
            await trial.end()
            throw error
        }
        await trial.end()
        return outcome
    }

    /// A change that the record missed would make every state wrong: its end must be what is there.
    private static func compare(_ image: DiskImage, with root: String) throws {
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

    static func text(_ change: DiskChange) -> String {
        if case .write(let file, let offset, let bytes) = change {
            return "\(bytes.count) bytes at \(offset) of \(file)"
        }
        return "\(change)"
    }
}

/// A state in which a promise was broken.
struct Found {
    var number: Int
    var state: CrashStates.State
    /// From which change on the disk lied, where it did.
    var liesFrom: Int?
    var faults: [String]
    var trial: String

    /// Prints it, and keeps it below the folder `keep`.
    func report(_ root: String, keep: String?) throws {
        let lies = liesFrom.map { "nothing synced from change \($0) on, " } ?? ""
        let change = Recording.text(state.change)
        print("after change \(state.after) (\(change)), \(lies)\(state.chance), \(state.marks.last ?? ""):")
        for fault in faults { print("    \(fault)") }
        if let keep { try Folder.write(state.image, of: root, to: "\(keep)/\(trial)-\(number)") }
    }
}
