// SPDX-License-Identifier: Apache-2.0
internal import Kademlia
internal import Keys
internal import Synchronization

/// Signs the successor of whatever item the network has, and remembers it for the caller.
final class ItemSigner: Sendable {
    private let key: SigningKey
    private let salt: [UInt8]
    private let value: [UInt8]
    private let minimum: Int64
    private let result = Mutex<(item: MutableItem?, isExhausted: Bool)>((nil, false))

    init(key: SigningKey, salt: [UInt8], value: [UInt8], minimum: Int64) {
        self.key = key
        self.salt = salt
        self.value = value
        self.minimum = minimum
    }

    var item: MutableItem? { result.withLock { $0.item } }
    /// Whether the item in place had the highest number there is.
    var isExhausted: Bool { result.withLock { $0.isExhausted } }

    func sign(above sequence: Int64) -> MutableItem? {
        let (next, overflow) = sequence.addingReportingOverflow(1)
        let item =
            overflow
            ? nil : try? MutableItem.signed(value: value, salt: salt, sequence: max(next, minimum), by: key)
        result.withLock { $0 = (item, overflow) }
        return item
    }
}
