// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Faults that `roost-powerloss` switches on to see that its checks find them. Nothing else sets any.
package enum StorageDefect: String, Sendable, CaseIterable {
    /// Content gets its place, and is acknowledged, before its bytes are synced.
    case acknowledgesEarly = "early-acknowledgement"
    /// A transaction is acknowledged before the database's log is synced.
    case commitsEarly = "early-commit"
    /// A pack that was written anew goes before the copies are synced.
    case removesEarly = "early-removal"

    private static let planted = Mutex<StorageDefect?>(nil)

    /// Of this process.
    package static var current: StorageDefect? {
        get { planted.withLock { $0 } }
        set { planted.withLock { $0 = newValue } }
    }
}
