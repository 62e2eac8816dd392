// SPDX-License-Identifier: Apache-2.0
internal import NIOCore
internal import Synchronization

/// The moment when a client leaves its connection. Many may wait for it; it comes once.
final class ClientDeparture: Sendable {
    private struct State {
        var isOver = false
        var next = 0
        var waiters: [Int: AsyncStream<Never>.Continuation] = [:]
    }

    private let state = Mutex(State())

    /// Ends all waiting.
    func happened() {
        let waiters = state.withLock { state in
            state.isOver = true
            defer { state.waiters = [:] }
            return state.waiters
        }
        for waiter in waiters.values { waiter.finish() }
    }

    /// Returns when the client has left, or when the task is cancelled.
    func wait() async {
        let (never, continuation) = AsyncStream.makeStream(of: Never.self)
        let number: Int? = state.withLock { state in
            guard !state.isOver else { return nil }
            state.next += 1
            state.waiters[state.next] = continuation
            return state.next
        }
        guard let number else { return }
        for await _ in never {}
        state.withLock { $0.waiters[number] = nil }
    }
}

/// The client that a request came from.
struct Client: Sendable {
    let channel: any Channel

    /// The value of `operation`; cancels it and throws `CancellationError` when the client leaves.
    func whilePresent<Value: Sendable>(
        _ operation: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let departure = await departure()
        return try await withThrowingTaskGroup(of: Value.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await operation() }
            group.addTask {
                await departure.wait()
                throw CancellationError()
            }
            guard let value = try await group.next() else { throw CancellationError() }
            return value
        }
    }

    /// A connection without a watch, or one that is gone, counts as left.
    func departure() async -> ClientDeparture {
        let found = channel.pipeline.handler(type: ClientWatch.self).map(\.departure)
        if let departure = try? await found.get() { return departure }
        let over = ClientDeparture()
        over.happened()
        return over
    }
}
