// SPDX-License-Identifier: Apache-2.0
internal import NIOCore
internal import Synchronization

/// Carries results to an event loop, many with one wake-up.
final class DiskResults: Sendable {
    private struct State {
        var waiting: [DiskResult] = []
        /// Jobs that were submitted and have not been done.
        var underWay = 0
        /// Bytes that these hash or move.
        var bytes = 0
        /// Who waits for the last of them.
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let loop: any EventLoop
    private let deliver: @Sendable ([DiskResult]) -> Void

    /// `deliver`: called on the loop.
    init(loop: any EventLoop, deliver: @escaping @Sendable ([DiskResult]) -> Void) {
        self.loop = loop
        self.deliver = deliver
    }

    /// To be called before as many jobs are handed over, which hash or move `bytes` together.
    func expect(_ jobs: Int, bytes: Int) {
        state.withLock { state in
            state.underWay += jobs
            state.bytes += bytes
        }
    }

    /// Bytes of the jobs that were submitted and have not been done.
    var bytesUnderWay: Int { state.withLock { $0.bytes } }

    /// `cost`: that of the job.
    func post(_ result: DiskResult, of cost: Int) {
        let (isFirst, waiters) = state.withLock { state -> (Bool, [CheckedContinuation<Void, Never>]) in
            state.waiting.append(result)
            state.underWay -= 1
            state.bytes -= cost
            guard state.underWay == 0 else { return (state.waiting.count == 1, []) }
            defer { state.waiters = [] }
            return (state.waiting.count == 1, state.waiters)
        }
        if isFirst { loop.execute { self.drain() } }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns when no job is under way: nothing is written any more unless jobs are submitted after the call.
    func settled() async {
        await withCheckedContinuation { continuation in
            let isSettled = state.withLock { state in
                if state.underWay > 0 { state.waiters.append(continuation) }
                return state.underWay == 0
            }
            if isSettled { continuation.resume() }
        }
    }

    private func drain() {
        let results = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        deliver(results)
    }
}
