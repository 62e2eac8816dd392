// SPDX-License-Identifier: Apache-2.0
internal import Dispatch
internal import Synchronization

/// Runs numbered pieces of blocking work on several threads, in ascending order of their start.
enum ParallelWork {
    /// Runs `body` once for each of `0..<count`; the first error ends the run after the pieces under way.
    ///
    /// Returns when all threads are done. Asks `isCancelled` before each piece.
    static func run(
        count: Int,
        workers: Int,
        isCancelled: @Sendable () -> Bool,
        _ body: @Sendable (Int) throws(PublishError) -> Void
    ) throws(PublishError) {
        let next = Atomic(0)
        let failure = Mutex<PublishError?>(nil)
        DispatchQueue.concurrentPerform(iterations: max(1, min(workers, count))) { _ in
            while true {
                let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard index < count, failure.withLock({ $0 == nil }) else { return }
                do throws(PublishError) {
                    if isCancelled() { throw .cancelled }
                    try body(index)
                } catch {
                    failure.withLock { if $0 == nil { $0 = error } }
                    return
                }
            }
        }
        if let failure = failure.withLock({ $0 }) { throw failure }
    }
}
