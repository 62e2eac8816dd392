// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// An info dictionary of one length, as far as its portions have come (BEP 9).
struct MetadataAttempt {
    let size: Int
    /// Only this peer may fill it.
    let exclusiveTo: ConnectionID?
    let start: Duration
    /// Those that were asked for portions.
    var members: Set<ConnectionID> = []
    /// Those that sent some.
    private(set) var providers: Set<ConnectionID> = []
    /// When a portion last came, or the attempt began.
    private(set) var lastProgress: Duration
    private var portions: [[UInt8]?]
    private var missing: Int
    private var requestedAt: [Int: Duration] = [:]

    init(_ size: Int, exclusiveTo: ConnectionID?, now: Duration) {
        self.size = size
        self.exclusiveTo = exclusiveTo
        start = now
        lastProgress = now
        missing = (size + MetadataMessage.portionBytes - 1) / MetadataMessage.portionBytes
        portions = Array(repeating: nil, count: missing)
    }

    var isComplete: Bool { missing == 0 }
    /// Bytes that have come.
    var heldBytes: Int { portions.reduce(0) { $0 + ($1?.count ?? 0) } }
    /// Nothing has come, and nothing is awaited.
    var isUntouched: Bool { providers.isEmpty && requestedAt.isEmpty }
    var bytes: [UInt8] { portions.flatMap { $0 ?? [] } }
    /// Who took part, without what they sent.
    var withoutBytes: MetadataAttempt {
        var rest = self
        rest.portions = []
        return rest
    }

    func isOpen(to peer: ConnectionID) -> Bool { !isComplete && (exclusiveTo ?? peer) == peer }

    /// Portions a second.
    func rate(_ now: Duration) -> Double {
        Double(portions.count - missing) / Double(max(1, (now - start).wholeMilliseconds))
    }

    /// At most `limit` portions that are to be asked for now, marked as asked.
    mutating func takeDue(_ limit: Int, _ now: Duration) -> [Int] {
        var chosen: [Int] = []
        for index in portions.indices where portions[index] == nil {
            guard chosen.count < limit else { break }
            if let time = requestedAt[index], now - time < MetadataExchange.patience { continue }
            requestedAt[index] = now
            chosen.append(index)
        }
        return chosen
    }

    mutating func gaveUp(_ index: Int) { requestedAt[index] = nil }

    /// Takes a portion, unless it is there or has another length than it must have.
    mutating func receive(_ index: Int, _ bytes: [UInt8], from peer: ConnectionID, _ now: Duration) {
        guard portions.indices.contains(index), portions[index] == nil,
            bytes.count == min(MetadataMessage.portionBytes, size - index * MetadataMessage.portionBytes)
        else { return }
        lastProgress = now
        portions[index] = bytes
        missing -= 1
        providers.insert(peer)
    }
}
