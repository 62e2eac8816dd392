// SPDX-License-Identifier: Apache-2.0
internal import Dispatch
internal import Synchronization

/// Runs asynchronous code to its end on the thread that asks: what a target does depends on its input alone then, and no thread
/// of the pool waits for another.
///
/// Everything that the code starts runs there too, `@concurrent` functions and the children of task groups among it.
final class CallingThread: TaskExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        var isDone = false
    }

    private let state = Mutex(State())
    private let wakened = DispatchSemaphore(value: 0)

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.jobs.append(job) }
        wakened.signal()
    }

    private func end() {
        state.withLock { $0.isDone = true }
        wakened.signal()
    }

    /// Returns when `body` has ended and nothing that it started is left to do.
    static func run(_ body: @escaping @Sendable () async -> Void) {
        let thread = CallingThread()
        Task(executorPreference: thread) {
            await body()
            thread.end()
        }
        while true {
            let (job, isDone) = thread.state.withLock { state in
                (state.jobs.isEmpty ? nil : state.jobs.removeFirst(), state.isDone)
            }
            if let job {
                unsafe job.runSynchronously(on: thread.asUnownedTaskExecutor())
            } else if isDone {
                return
            } else {
                thread.wakened.wait()
            }
        }
    }
}
