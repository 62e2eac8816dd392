// SPDX-License-Identifier: Apache-2.0
internal import Node

/// A time limit around a call to the node.
enum Deadline {
    /// The value of `operation`, or nil once `limit` has passed; the operation is cancelled then, and when the caller is.
    static func within<Value: Sendable>(
        _ limit: Duration,
        _ operation: @escaping @Sendable () async throws -> Value
    ) async throws -> Value? {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await operation() }
            group.addTask {
                try await Task.sleep(for: limit)
                return nil
            }
            return try await group.next() ?? nil
        }
    }
}
