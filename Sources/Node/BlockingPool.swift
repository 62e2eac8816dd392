// SPDX-License-Identifier: Apache-2.0
internal import NIOCore
internal import NIOPosix

/// A few threads for calls that block, so that neither event loops nor the tasks of others wait for a disk.
///
/// Work waits in order; callers bound it, one call each.
struct BlockingPool: Sendable {
    private let threads: NIOThreadPool

    init(threads count: Int) {
        threads = NIOThreadPool(numberOfThreads: count)
        threads.start()
    }

    /// Runs `work` on one of the threads. Cancelling the caller does not stop work that has begun.
    func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws(NodeError) -> Value {
        do {
            return try await threads.runIfActive(work)
        } catch {
            throw NodeError(unexpected: error)
        }
    }

    /// The same for what must happen even where the caller was cancelled: leaving things in order.
    func runToEnd<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws(NodeError) -> Value {
        let result: Result<Value, any Error> = await withCheckedContinuation { continuation in
            threads.submit { state in
                guard state == .active else { return continuation.resume(returning: .failure(CancellationError())) }
                continuation.resume(returning: Result { try work() })
            }
        }
        do { return try result.get() } catch { throw NodeError(unexpected: error) }
    }

    /// The same for code that lives on an event loop.
    func run<Value: Sendable>(
        on loop: any EventLoop,
        _ work: @escaping @Sendable () throws -> Value
    ) -> EventLoopFuture<Value> {
        threads.runIfActive(eventLoop: loop, work)
    }

    /// Lets what has begun end, and refuses the rest.
    func shutdown() async {
        try? await threads.shutdownGracefully()
    }
}
