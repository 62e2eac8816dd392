// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Kademlia
internal import Keys
internal import Storage
internal import Transport
internal import Wire

/// Items of BEP 44. No item older than one that was seen before is given out, over restarts too.
extension NetworkService {
    /// The newest item once the closest nodes have answered, and how many of them hold it; nil where none has it.
    ///
    /// `first`: called on the event loop with each item that is newer than the one before, as they come.
    func mutableItem(
        key: PublicKey,
        salt: [UInt8] = [],
        first: (@Sendable (MutableItem) -> Void)? = nil
    ) async throws(NodeError) -> (item: MutableItem, nodes: Int)? {
        try admit(.show, Admission.Subject(site: key.identifier))
        let report: MutableReport
        do throws(DHTServiceError) {
            report = try await dht.mutable(key, salt: salt, first: first)
        } catch { throw NodeError(error) }
        guard let item = report.item else { return nil }
        saveSoon()
        return (item, report.holders)
    }

    /// Signs `value`, bencoded, as the successor of whatever the network has, and puts it; put again every hour. Its number
    /// is on disk when this returns, so that no other value is ever signed under it.
    ///
    /// `minimum`: the lowest sequence number to use.
    func update(
        with key: SigningKey,
        salt: [UInt8] = [],
        value: [UInt8],
        minimum: Int64 = 1
    ) async throws(NodeError) -> (item: MutableItem, nodes: Int) {
        let result: (item: MutableItem, report: StoreReport)
        do throws(DHTServiceError) {
            result = try await dht.update(with: key, salt: salt, value: value, minimum: minimum, keep: .own)
        } catch { throw NodeError(error) }
        await save()
        return (result.item, result.report.stored)
    }

    /// Puts an item of our own, and again every hour.
    /// - Returns: how many nodes stored it.
    @discardableResult
    func put(_ item: MutableItem) async throws(NodeError) -> Int {
        try await publish(.mutable(item), keep: .own)
    }

    /// Keeps alive what was read from others, every hour unless enough others do. Only where this node serves what it
    /// reads (`serve = quota`), and no rule forbids it.
    func keep(_ item: MutableItem) {
        guard context.configuration.effectiveServe == .quota,
            context.admission.admits(.put, Admission.Subject(site: item.key.identifier, short: item.target))
        else { return }
        dht.keep(.mutable(item), policy: .borrowed)
        saveSoon()
    }

    /// Stops keeping an item alive; what others hold of it expires within two hours.
    func forget(_ item: MutableItem) { dht.stopPublishing(.mutable(item)) }

    /// The bencoded value under its hash and how many other nodes hold it; nil where none has it.
    func immutableItem(_ target: NodeID) async throws(NodeError) -> (value: [UInt8], nodes: Int)? {
        try admit(.show, Admission.Subject(short: target))
        do throws(DHTServiceError) {
            return try await dht.immutable(target).map { ($0.value, $0.holders) }
        } catch { throw NodeError(error) }
    }

    /// Puts a value that is bencoded already, and again every hour.
    func put(immutable value: [UInt8]) async throws(NodeError) -> (target: NodeID, nodes: Int) {
        let item: ImmutableItem
        do throws(ItemError) {
            item = try ImmutableItem(value: value)
        } catch { throw NodeError(error) }
        return (item.target, try await publish(.immutable(item), keep: .own))
    }

    private func publish(_ publication: Publication, keep policy: KeepPolicy) async throws(NodeError) -> Int {
        let report: StoreReport
        do throws(DHTServiceError) {
            report = try await dht.publish(publication, keep: policy)
        } catch { throw NodeError(error) }
        await save()
        return report.stored
    }
}
