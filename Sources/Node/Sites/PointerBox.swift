// SPDX-License-Identifier: Apache-2.0
internal import Kademlia
internal import Synchronization

/// The newest of the pointers that one search read.
final class PointerBox: Sendable {
    private let item = Mutex<MutableItem?>(nil)

    var value: MutableItem? { item.withLock { $0 } }

    func offer(_ other: MutableItem) {
        item.withLock { item in
            if item.map({ $0.sequence < other.sequence }) ?? true { item = other }
        }
    }
}
