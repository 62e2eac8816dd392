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
        write(query, datagram, sender, now, into: &batch.bytes)
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
        into bytes: inout [UInt8]
    ) {
        bytes.append(literal: sender.endpoint.address.isV4 ? "d2:ip6:" : "d2:ip18:")
        bytes.append(compact: sender.endpoint)
        bytes.append(literal: "1:rd2:id20:")
        bytes.append(id(sender.endpoint.family))
        switch query.method {
        case .ping: break
        case .findNode: writeNodes(query, sender, into: &bytes)
        case .getPeers: writePeers(query, sender, now, into: &bytes)
        case .get: writeItem(query, sender, now, into: &bytes)
        }
        bytes.append(literal: "e1:t")
        bytes.append(decimal: query.transaction.count)
        bytes.append(UInt8(ascii: ":"))
        for index in query.transaction { bytes.append(datagram[index]) }
        bytes.append(literal: "1:v")
        bytes.append(decimal: configuration.version.count)
        bytes.append(UInt8(ascii: ":"))
        bytes.append(contentsOf: configuration.version)
        bytes.append(literal: "1:y1:re")
    }

    /// - Returns: the bytes of the lists.
    @discardableResult
    private mutating func writeNodes(_ query: PlainQuery, _ sender: Contact, into bytes: inout [UInt8]) -> Int {
        let isAnyWanted = query.wantsV4 || query.wantsV6
        let isV4 = sender.endpoint.address.isV4
        var written = 0
        if isAnyWanted ? query.wantsV4 : isV4 { written += writeNodes(.v4, query.target, into: &bytes) }
        if isAnyWanted ? query.wantsV6 : !isV4 { written += writeNodes(.v6, query.target, into: &bytes) }
        return written
    }

    private mutating func writeNodes(_ family: AddressFamily, _ target: NodeID, into bytes: inout [UInt8]) -> Int {
        let length = family == .v4 ? 26 : 38
        found.find(in: tables[family.rawValue], near: target, count: configuration.bucketSize)
        bytes.append(literal: family == .v4 ? "5:nodes" : "6:nodes6")
        bytes.append(decimal: found.count * length)
        bytes.append(UInt8(ascii: ":"))
        var rank = 0
        while rank < found.count {
            let contact = found.contact(rank, in: tables[family.rawValue])
            bytes.append(contact.id)
            bytes.append(compact: contact.endpoint)
            rank += 1
        }
        return found.count * length
    }

    private mutating func writeToken(_ sender: Contact, into bytes: inout [UInt8]) {
        bytes.append(literal: "5:token8:")
        bytes.append(bigEndian: tokens.tag(for: sender.endpoint.address))
    }

    private mutating func writePeers(_ query: PlainQuery, _ sender: Contact, _ now: Instant, into bytes: inout [UInt8])
    {
        let nodes = writeNodes(query, sender, into: &bytes)
        writeToken(sender, into: &bytes)
        guard !isDenied(query.target) else { return }
        let isV4 = sender.endpoint.address.isV4
        let start = bytes.count
        bytes.append(literal: "6:valuesl")
        let isEmpty = bytes.count
        visitPeers(of: query.target, for: sender, besides: nodes, now: now) { peer in
            bytes.append(literal: isV4 ? "6:" : "18:")
            bytes.append(compact: peer)
        }
        guard bytes.count > isEmpty else { return bytes.removeSubrange(start...) }
        bytes.append(UInt8(ascii: "e"))
    }

    private mutating func writeItem(_ query: PlainQuery, _ sender: Contact, _ now: Instant, into bytes: inout [UInt8]) {
        let target = query.target
        if !isDenied(target), let item = items.mutable(target, now: now), !isDenied(item.key, target) {
            let isNews = query.sequence.map { item.sequence > $0 } ?? true
            let isSent = isNews && mayReceive(item.value.count + 110, sender, now)
            if isSent {
                bytes.append(literal: "1:k32:")
                bytes.append(item.key)
            }
            writeNodes(query, sender, into: &bytes)
            bytes.append(literal: "3:seqi")
            bytes.append(decimal: Int(item.sequence))
            bytes.append(UInt8(ascii: "e"))
            if isSent {
                bytes.append(literal: "3:sig64:")
                bytes.append(item.signature)
            }
            writeToken(sender, into: &bytes)
            if isSent {
                bytes.append(literal: "1:v")
                bytes.append(contentsOf: item.value)
            }
            return
        }
        writeNodes(query, sender, into: &bytes)
        writeToken(sender, into: &bytes)
        if !isDenied(target), let item = items.immutable(target, now: now), mayReceive(item.value.count, sender, now) {
            bytes.append(literal: "1:v")
            bytes.append(contentsOf: item.value)
        }
    }
}
