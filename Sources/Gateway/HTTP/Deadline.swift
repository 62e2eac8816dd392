// SPDX-License-Identifier: Apache-2.0
internal import Node

/// A time limit around a call to the node.
enum Deadline {
    /// The value of `operation`, or nil once `limit` has passed. The operation is cancelled then, when the caller is, and
    /// when `client` leaves, which throws `CancellationError`.
    static func within<Value: Sendable>(
        _ limit: Duration,
        of client: Client,
        _ operation: @escaping @Sendable () async throws -> Value
    ) async throws -> Value? {
        let departure = await client.departure()
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await operation() }
            group.addTask {
                try await Task.sleep(for: limit)
                return nil
            }
            group.addTask {
                await departure.wait()
                throw CancellationError()
            }
            return try await group.next() ?? nil
        }
    }
}
