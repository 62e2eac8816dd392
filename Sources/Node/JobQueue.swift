// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// What a service does in the background: jobs that wait in order, at most ``bound``. One more is refused.
///
/// Thread-safe, for one reader.
final class JobQueue<Job: Sendable>: Sendable {
    let bound: Int
    private let stream: AsyncStream<Job>
    private let sink: AsyncStream<Job>.Continuation
    private let waiting = Atomic(0)

    init(bound: Int) {
        self.bound = bound
        (stream, sink) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(bound))
    }

    /// How many wait now.
    var count: Int { max(0, waiting.load(ordering: .relaxed)) }

    /// - Returns: false where there is no room, or the queue has ended.
    @discardableResult
    func yield(_ job: Job) -> Bool {
        waiting.add(1, ordering: .relaxed)
        if case .enqueued = sink.yield(job) { return true }
        waiting.subtract(1, ordering: .relaxed)
        return false
    }

    /// After what waits there is no more.
    func finish() { sink.finish() }

    /// The jobs, as they come, until ``finish()`` or the reader's cancellation.
    var jobs: some AsyncSequence<Job, Never> {
        stream.map { job in
            self.waiting.subtract(1, ordering: .relaxed)
            return job
        }
    }
}
