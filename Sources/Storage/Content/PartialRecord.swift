// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

/// What is durably known of a file that is being downloaded: its length and the ranges that were verified and synced
/// before the record was written. What it does not list is unknown, not missing: it is verified again or fetched.
///
/// `docs/protocols/storage-layout.md` §4 has the format. A record that does not check out reads as nil.
struct PartialRecord: Equatable {
    var length: Int64
    var verified: ByteRanges

    private static let magic = Array("roostrg1".utf8)
    /// One range for every second 16 KiB block of 256 GiB; a larger file has larger pieces.
    static let maximumBytes = 8 + 8 + 4 + 16 * (8 << 20) + 32

    var bytes: [UInt8] {
        var bytes = Self.magic
        bytes.append(bigEndian: UInt64(length))
        bytes.append(bigEndian: UInt32(verified.ranges.count))
        for range in verified.ranges {
            bytes.append(bigEndian: UInt64(range.lowerBound))
            bytes.append(bigEndian: UInt64(range.upperBound))
        }
        bytes.append(Hash.sha256(bytes))
        return bytes
    }

    init(length: Int64, verified: ByteRanges) {
        self.length = length
        self.verified = verified
    }

    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 52, bytes.starts(with: Self.magic),
            Hash.sha256(bytes.dropLast(32)).bytes.elementsEqual(bytes.suffix(32))
        else { return nil }
        var reader = ByteReader(bytes.dropFirst(8).dropLast(32))
        guard let length = reader.read(UInt64.self).flatMap(Int64.init(exactly:)),
            let count = reader.read(UInt32.self), Int(count) * 16 == reader.remaining.count
        else { return nil }
        var verified = ByteRanges()
        var end: Int64 = -1
        for _ in 0..<count {
            guard let lower = reader.read(UInt64.self).flatMap(Int64.init(exactly:)),
                let upper = reader.read(UInt64.self).flatMap(Int64.init(exactly:)),
                end < lower, lower < upper, upper <= length
            else { return nil }
            verified.insert(lower..<upper)
            end = upper
        }
        self.init(length: length, verified: verified)
    }
}
