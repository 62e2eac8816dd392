// SPDX-License-Identifier: Apache-2.0

/// Puts the results of a ``HashPlan``'s jobs together, in whatever order they come.
///
/// Memory: the hashes of the tree, and the results that wait for an earlier one: as many as there are jobs under way when
/// they are started in order.
public struct HashAssembler: Sendable {
    private let plan: HashPlan
    private var next = 0
    private var waiting: [Int: HashJobResult] = [:]
    private var v1Pieces: [UInt8] = []
    private var files: [FileHashes]
    private var open: (file: Int, hasher: FileTreeHasher, length: Int64)?

    /// Expects the results of all of the plan's jobs.
    public init(_ plan: HashPlan) {
        self.plan = plan
        files = plan.lengths.map { FileHashes(length: $0, root: nil) }
    }

    var isComplete: Bool { next == plan.jobCount }

    /// Takes a job's result; one that has come before is ignored.
    ///
    /// - Returns: the files whose v2 hashes are complete with it, by number, in order.
    @discardableResult
    public mutating func add(_ result: HashJobResult) -> [Int] {
        guard result.index >= next else { return [] }
        waiting[result.index] = result
        var completed: [Int] = []
        while let result = waiting.removeValue(forKey: next) {
            next += 1
            v1Pieces += result.v1Pieces
            for run in result.runs { append(run, completed: &completed) }
        }
        return completed
    }

    private mutating func append(_ run: LeafRun, completed: inout [Int]) {
        var current = open ?? (run.file, FileTreeHasher(pieceLength: plan.pieceLength), 0)
        open = nil
        current.hasher.append(run)
        current.length += run.length
        guard current.length == plan.lengths[run.file] else {
            open = current
            return
        }
        files[run.file] = current.hasher.finish()
        completed.append(run.file)
    }

    /// The hashes of a file that ``add(_:)`` has reported, or of an empty one.
    public subscript(file: Int) -> FileHashes { files[file] }

    /// Everything, once each job's result has come; nil before.
    public consuming func finish() -> TreeHashes? {
        guard isComplete else { return nil }
        return TreeHashes(pieceLength: plan.pieceLength, v1Pieces: v1Pieces, files: files)
    }
}

/// The hashes of a whole tree.
public struct TreeHashes: Hashable, Sendable {
    /// Bytes of a piece, as the plan had it.
    public let pieceLength: Int
    /// 20 bytes a piece; empty where the plan has no v1 side.
    public let v1Pieces: [UInt8]
    /// In the plan's order; without roots where the plan has no v2 side.
    public let files: [FileHashes]
}
