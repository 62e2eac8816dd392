// SPDX-License-Identifier: Apache-2.0
internal import ServiceLifecycle
internal import Synchronization

/// Becomes true once: when the node is asked to end, by whatever way.
final class StopSignal: Sendable {
    private enum State {
        case running([CheckedContinuation<Void, Never>])
        case stopped
    }

    private let state = Mutex(State.running([]))

    func stop() {
        let waiters: [CheckedContinuation<Void, Never>] = state.withLock { state in
            guard case .running(let waiters) = state else { return [] }
            state = .stopped
            return waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns when ``stop()`` was called, on a graceful shutdown and on cancellation.
    func wait() async {
        await withTaskCancellationOrGracefulShutdownHandler {
            await withCheckedContinuation { continuation in
                let isStopped = state.withLock { state in
                    guard case .running(let waiters) = state else { return true }
                    state = .running(waiters + [continuation])
                    return false
                }
                if isStopped { continuation.resume() }
            }
        } onCancelOrGracefulShutdown: {
            self.stop()
        }
    }
}
