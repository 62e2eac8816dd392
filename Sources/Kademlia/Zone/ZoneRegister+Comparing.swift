// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import OrderedCollections
internal import Wire

/// What two nodes hold, compared bucket by bucket (`docs/protocols/zone-announcement.md` §3, §4).
extension ZoneRegister {
    /// One for each bucket: 48 bits of the SHA-256 of its digests, 0 where it is empty.
    mutating func allSums() -> [UInt64] {
        buckets.indices.map { bucket in
            if let sum = sums[bucket] { return sum }
            let sum = buckets[bucket].isEmpty ? 0 : Hash.sha256(ZoneDigest.bytes(digests(of: bucket))).leading >> 16
            sums[bucket] = sum
            return sum
        }
    }

    private func digests(of bucket: Int) -> [ZoneDigest] {
        buckets[bucket].compactMap { id in
            entries[id].map { ZoneDigest(id: id, sequence: $0.record.sequence) }
        }
    }

    /// The digests of the buckets in which others have another sum, whole buckets from one on, as many as fit one message;
    /// and the next one, where there are more. Of a bucket that never fits, as many as do, from a place that `random` chooses.
    mutating func differing(from others: [UInt64], beginning: Int, random: Int) -> (digests: [ZoneDigest], next: Int?) {
        let own = allSums()
        var found: [ZoneDigest] = []
        for step in own.indices {
            let bucket = (beginning + step) % own.count
            guard own[bucket] != others[bucket], own[bucket] != 0 else { continue }
            var digests = digests(of: bucket)
            if digests.count > ZoneSpecification.maximumDigests {
                let start = random % digests.count
                digests = Array((digests[start...] + digests[..<start]).prefix(ZoneSpecification.maximumDigests))
            }
            guard found.count + digests.count <= ZoneSpecification.maximumDigests else { return (found, bucket) }
            found += digests
        }
        return (found, nil)
    }

    /// Records as they are passed on, as many of those asked for as fit one message.
    func items(_ ids: [UInt64], now: Instant) -> [ZoneItem] {
        var items: [ZoneItem] = []
        var room = ZoneSpecification.maximumAnswer
        for id in ids {
            guard let entry = entries[id], entry.deadline > now, entry.record.bytes.count + 8 <= room else { continue }
            room -= entry.record.bytes.count + 8
            items.append(item(entry, now: now))
        }
        return items
    }

    func item(_ entry: Entry, now: Instant) -> ZoneItem {
        ZoneItem(age: UInt32(clamping: (now - entry.signed).components.seconds), bytes: entry.record.bytes)
    }
}
