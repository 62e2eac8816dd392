// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Canonical peer priority (BEP 40): a number that two peers draw alike from their addresses, so that all agree on who should
/// be connected to whom, and nobody can fill everybody's places.
enum PeerPriority {
    /// Higher is to be preferred. 0 where the addresses are of different families.
    static func of(_ own: Endpoint, _ other: Endpoint) -> UInt32 {
        guard own.address.isV4 == other.address.isV4 else { return 0 }
        var left = own.address.bytes
        var right = other.address.bytes
        if left == right {
            var ports: [UInt8] = []
            for port in [own.port, other.port].sorted() { ports.append(bigEndian: port) }
            return CRC32C.checksum(ports)
        }
        // At first half the address counts fully; within a shared network of that size or smaller, one byte more.
        let least = own.address.isV4 ? 2 : 6
        let shared = zip(left, right).prefix { $0 == $1 }.count
        let whole = shared < least ? least : shared + 1
        for index in left.indices where index >= whole {
            left[index] &= 0x55
            right[index] &= 0x55
        }
        return CRC32C.checksum(left.lexicographicallyPrecedes(right) ? left + right : right + left)
    }
}

/// Our address as others see it: what most of the last eight networks said that told us one (`yourip`, BEP 10), and at least
/// three of them. Memory: eight addresses each of ours and theirs.
struct ExternalAddress {
    static let voices = 8
    static let quorum = 3

    private var votes: [(voter: IPAddress, seen: IPAddress)] = []
    private(set) var current: IPAddress?

    /// - Returns: whether ``current`` has changed.
    mutating func told(_ seen: IPAddress, by voter: IPAddress) -> Bool {
        votes.removeAll { $0.voter == voter }
        votes.append((voter, seen))
        if votes.count > Self.voices { votes.removeFirst() }
        let counts = Dictionary(grouping: votes, by: \.seen).mapValues(\.count)
        let best = counts.max { ($0.value, $0.key.bytes.last ?? 0) < ($1.value, $1.key.bytes.last ?? 0) }
        guard let best, best.value >= Self.quorum, best.value * 2 > votes.count, best.key != current else {
            return false
        }
        current = best.key
        return true
    }
}
