// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Kademlia
public import Keys

/// Signs what a node says of itself to its zone, by the wall clock.
public struct PeerAnnouncer: Sendable {
    private let key: SigningKey
    private let network: [UInt8]

    /// `key` is the peer's in the network of that id.
    public init(key: SigningKey, network: [UInt8]) {
        self.key = key
        self.network = network
    }

    /// A moment of the wall clock.
    struct Time {
        var milliseconds: UInt64
        var seconds: UInt64 { milliseconds / 1000 }
    }

    static var now: Time {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Time(milliseconds: UInt64(max(0, time.tv_sec)) * 1000 + UInt64(max(0, time.tv_nsec)) / 1_000_000)
    }

    /// Nil while the node does not know where others reach it.
    func record(for request: PeerRecordRequest, at now: Time) -> PeerRecord? {
        guard !request.endpoints.isEmpty else { return nil }
        return PeerRecord.signed(
            by: key,
            network: network,
            sequence: Self.sequence(above: request.above, at: now),
            life: request.life,
            addresses: request.endpoints.map { PeerAddress($0) },
            at: now.seconds
        )
    }

    /// That the node goes. `above`: the number of its last record.
    func parting(above: UInt64, at now: Time) -> PeerRecord? {
        PeerRecord.signed(
            by: key,
            network: network,
            sequence: Self.sequence(above: above, at: now),
            life: 60,
            addresses: [],
            at: now.seconds
        )
    }

    /// The time, which outlives a node that forgets its numbers; or the next number, where the clock went back.
    private static func sequence(above: UInt64, at now: Time) -> UInt64 {
        let (next, isLast) = above.addingReportingOverflow(1)
        return isLast ? above : max(next, now.milliseconds)
    }
}
