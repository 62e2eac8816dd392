// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Work on other threads that takes long: says how far it is, at most ten times a second, and hears that it is no
/// longer wanted.
final class LongWork: Sendable {
    typealias Report = @Sendable (NodeProgress) -> Void

    static let interval = Duration.milliseconds(100)

    private let cancelled = Atomic(false)
    private let last = Mutex<(stage: String, time: ContinuousClock.Instant)?>(nil)
    private let report: Report

    private init(report: @escaping Report) {
        self.report = report
    }

    var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

    /// Says how far it is. The first and the last of each stage are always said.
    func progress(_ stage: String, _ done: Int64, _ total: Int64, unit: String = "bytes") {
        let isDue = last.withLock { last in
            let now = ContinuousClock.now
            if let known = last, known.stage == stage, done < total, now - known.time < Self.interval { return false }
            last = (stage, now)
            return true
        }
        if isDue { report(NodeProgress(stage: stage, done: done, total: total, unit: unit)) }
    }

    /// Runs `body` on one of the node's threads. Cancelling the caller sets ``isCancelled``, which `body` looks at.
    static func run<Value: Sendable>(
        on pool: BlockingPool,
        report: @escaping Report,
        _ body: @escaping @Sendable (LongWork) throws -> Value
    ) async throws(NodeError) -> Value {
        let work = LongWork(report: report)
        do {
            return try await withTaskCancellationHandler {
                try await pool.run { try body(work) }
            } onCancel: {
                work.cancelled.store(true, ordering: .relaxed)
            }
        } catch {
            throw NodeError(unexpected: error)
        }
    }
}
