// SPDX-License-Identifier: Apache-2.0
internal import Keys
public import Wire

/// The quick way to an answer: read in place, written where it is sent from, without an allocation.
extension DHTNode {
    /// Answers a query that is as nearly all are, into `batch`, exactly as ``receive(_:from:now:)`` would.
    ///
    /// - Returns: nil where the datagram is something else, and nothing has been done with it: then it is for
    ///   ``receive(_:from:now:)``. Otherwise what else there is to do, most often nothing.
    public mutating func answer(
        _ datagram: Span<UInt8>,
        from source: Endpoint,
        now: Instant,
        into batch: inout DatagramBatch
    ) -> [Action]? {
        guard !configuration.isReadOnly, source.isReachable, configuration.families.contains(source.family),
            let query = PlainQuery(datagram)
        else { return nil }
        lastReceived = now
        guard admits(source, now: now), !isOwn(query.sender) else { return [] }
        let sender = Contact(id: query.sender, endpoint: source)
        heard(sender, now: now)
        write(query, datagram, sender, now, into: &batch)
        batch.end(for: source)
        // BEP 43: a read-only node belongs in no table.
        if !query.isReadOnly { meet(sender, now: now) }
        return actions.isEmpty ? [] : flush()
    }

    /// The whole answer, keys in ascending order.
    private mutating func write(
        _ query: PlainQuery,
        _ datagram: Span<UInt8>,
        _ sender: Contact,
        _ now: Instant,
        into batch: inout DatagramBatch
    ) {
        batch.append(literal: sender.endpoint.address.isV4 ? "d2:ip6:" : "d2:ip18:")
        batch.append(compact: sender.endpoint)
        batch.append(literal: "1:rd2:id20:")
        batch.append(id(sender.endpoint.family))
        switch query.method {
        case .ping: break
        case .findNode: writeNodes(query, sender, into: &batch)
        case .getPeers: writePeers(query, sender, now, into: &batch)
        case .get: writeItem(query, sender, now, into: &batch)
        }
        batch.append(literal: "e1:t")
        batch.append(decimal: query.transaction.count)
        batch.append(literal: ":")
        batch.append(datagram, query.transaction)
        batch.append(literal: "1:v")
        batch.append(decimal: configuration.version.count)
        batch.append(literal: ":")
        batch.append(configuration.version)
        batch.append(literal: "1:y1:re")
    }

    /// - Returns: the bytes of the lists.
    @discardableResult
    private mutating func writeNodes(_ query: PlainQuery, _ sender: Contact, into batch: inout DatagramBatch) -> Int {
        let isAnyWanted = query.wantsV4 || query.wantsV6
        let isV4 = sender.endpoint.address.isV4
        var written = 0
        if isAnyWanted ? query.wantsV4 : isV4 { written += writeNodes(.v4, query.target, into: &batch) }
        if isAnyWanted ? query.wantsV6 : !isV4 { written += writeNodes(.v6, query.target, into: &batch) }
        return written
    }

    private mutating func writeNodes(_ family: AddressFamily, _ target: NodeID, into batch: inout DatagramBatch) -> Int
    {
        let length = family == .v4 ? 26 : 38
        found.find(in: tables[family.rawValue], near: target, count: configuration.bucketSize)
        batch.append(literal: family == .v4 ? "5:nodes" : "6:nodes6")
        batch.append(decimal: found.count * length)
        batch.append(literal: ":")
        var rank = 0
        while rank < found.count {
            batch.append(compact: found.contact(rank, in: tables[family.rawValue]))
            rank += 1
        }
        return found.count * length
    }

    private mutating func writeToken(_ sender: Contact, into batch: inout DatagramBatch) {
        batch.append(literal: "5:token8:")
        batch.append(bigEndian: tokens.tag(for: sender.endpoint.address))
    }

    private mutating func writePeers(
        _ query: PlainQuery,
        _ sender: Contact,
        _ now: Instant,
        into batch: inout DatagramBatch
    ) {
        let nodes = writeNodes(query, sender, into: &batch)
        writeToken(sender, into: &batch)
        guard !isDenied(query.target) else { return }
        let isV4 = sender.endpoint.address.isV4
        let start = batch.count
        batch.append(literal: "6:valuesl")
        let isEmpty = batch.count
        visitPeers(of: query.target, for: sender, besides: nodes, now: now) { peer in
            batch.append(literal: isV4 ? "6:" : "18:")
            batch.append(compact: peer)
        }
        guard batch.count > isEmpty else { return batch.truncate(to: start) }
        batch.append(literal: "e")
    }

    private mutating func writeItem(
        _ query: PlainQuery,
        _ sender: Contact,
        _ now: Instant,
        into batch: inout DatagramBatch
    ) {
        let target = query.target
        if !isDenied(target), let item = items.mutable(target, now: now), !isDenied(item.key, target) {
            let isNews = query.sequence.map { item.sequence > $0 } ?? true
            let isSent = isNews && mayReceive(item.value.count + 110, sender, now)
            if isSent {
                batch.append(literal: "1:k32:")
                batch.append(item.key)
            }
            writeNodes(query, sender, into: &batch)
            batch.append(literal: "3:seqi")
            batch.append(decimal: Int(item.sequence))
            batch.append(literal: "e")
            if isSent {
                batch.append(literal: "3:sig64:")
                batch.append(item.signature)
            }
            writeToken(sender, into: &batch)
            if isSent {
                batch.append(literal: "1:v")
                batch.append(item.value)
            }
            return
        }
        writeNodes(query, sender, into: &batch)
        writeToken(sender, into: &batch)
        if !isDenied(target), let item = items.immutable(target, now: now), mayReceive(item.value.count, sender, now) {
            batch.append(literal: "1:v")
            batch.append(item.value)
        }
    }
}
