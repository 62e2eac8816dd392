// SPDX-License-Identifier: Apache-2.0
public import Node
internal import Synchronization

/// The port that a server really has, once it listens. Several may wait for it.
public final class ListeningPort: Sendable {
    private enum State {
        case waiting([CheckedContinuation<Result<Int, NodeError>, Never>])
        case settled(Result<Int, NodeError>)
    }

    private let state = Mutex<State>(.waiting([]))

    init() {}

    /// Nil until the server listens.
    public var current: Int? {
        state.withLock { state in
            guard case .settled(.success(let port)) = state else { return nil }
            return port
        }
    }

    /// Waits until the server listens, or throws why it never will. A server that is never run keeps its waiters.
    public func value() async throws(NodeError) -> Int {
        let result = await withCheckedContinuation { continuation in
            let settled: Result<Int, NodeError>? = state.withLock { state in
                switch state {
                case .settled(let result): return result
                case .waiting(let others):
                    state = .waiting(others + [continuation])
                    return nil
                }
            }
            if let settled { continuation.resume(returning: settled) }
        }
        return try result.get()
    }

    /// The first call counts.
    func settle(_ result: Result<Int, NodeError>) {
        let waiters: [CheckedContinuation<Result<Int, NodeError>, Never>] = state.withLock { state in
            guard case .waiting(let waiters) = state else { return [] }
            state = .settled(result)
            return waiters
        }
        for waiter in waiters { waiter.resume(returning: result) }
    }
}
