// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// How many connections a server has. Thread-safe.
final class ConnectionCount: Sendable {
    private let open = Atomic(0)

    var value: Int { open.load(ordering: .relaxed) }
    func opened() { open.add(1, ordering: .relaxed) }
    func closed() { open.subtract(1, ordering: .relaxed) }
}
