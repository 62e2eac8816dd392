// SPDX-License-Identifier: Apache-2.0
internal import Kademlia
internal import Keys

/// Remembers records that were read: each is verified once for all nodes of a run, as if a thousand computers had done it.
///
/// Memory: every record of a run, about 600 bytes each.
// SAFETY: a world and all that is in it is used by one thread alone.
final class RecordShelf: @unchecked Sendable {
    private var records: [[UInt8]: PeerRecord?] = [:]

    func record(_ bytes: [UInt8]) -> PeerRecord? {
        if let known = records[bytes] { return known }
        let record = try? PeerRecord(reading: bytes)
        records[bytes] = .some(record)
        return record
    }
}
