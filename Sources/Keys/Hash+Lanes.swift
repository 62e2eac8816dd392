// SPDX-License-Identifier: Apache-2.0
internal import CHashing
public import Wire

/// Messages of one length that are hashed together: with a processor that has instructions for SHA this takes half of the time, as
/// one message alone leaves them idle between its steps.
extension Hash {
    /// How many messages are worth being hashed together: 1 where nothing is won by it.
    public static let lanes = roost_hash_has_lanes() != 0 ? Int(ROOST_HASH_LANES) : 1

    /// SHA-1 of each message, in order. All are of one length, and nobody changes them during the call.
    @unsafe
    public static func sha1(of messages: [UnsafeRawBufferPointer]) -> [Digest160] {
        unsafe sha1(of: messages, lanes: lanes)
    }

    /// SHA-256 of each run of `length` bytes, in order; the last may be shorter. None of no bytes.
    public static func sha256(blocksOf bytes: RawSpan, length: Int) -> [Digest256] {
        sha256(blocksOf: bytes, length: length, lanes: lanes)
    }

    @unsafe
    static func sha1(of messages: [UnsafeRawBufferPointer], lanes: Int) -> [Digest160] {
        unsafe digests(of: messages, lanes, together: roost_sha1_lanes) {
            unsafe digest160(reading: $0)
        } alone: {
            unsafe sha1($0.bytes)
        }
    }

    static func sha256(blocksOf bytes: RawSpan, length: Int, lanes: Int) -> [Digest256] {
        precondition(length > 0, "a block has a length")
        // SAFETY: the blocks lie in the span, and are read before the closure returns.
        return unsafe bytes.withUnsafeBytes { all in
            let whole = unsafe stride(from: 0, through: all.count - length, by: length).map { start in
                unsafe UnsafeRawBufferPointer(rebasing: all[start..<start + length])
            }
            let rest = unsafe UnsafeRawBufferPointer(rebasing: all[(whole.count * length)...])
            var digests = unsafe digests(of: whole, lanes, together: roost_sha256_lanes) {
                unsafe digest256(reading: $0)
            } alone: {
                unsafe sha256($0.bytes)
            }
            if unsafe !rest.isEmpty { unsafe digests.append(sha256(rest.bytes)) }
            return digests
        }
    }

    private typealias Lanes = (UnsafePointer<UnsafePointer<UInt8>?>?, Int32, Int, UnsafeMutablePointer<UInt8>?) -> Void

    /// `together`: hashes two messages or more, `lanes` at most. `digest`: reads one result of it.
    private static func digests<Digest: FixedBytes>(
        of messages: [UnsafeRawBufferPointer],
        _ lanes: Int,
        together: Lanes,
        digest: (UnsafeRawBufferPointer) -> Digest,
        alone: (UnsafeRawBufferPointer) -> Digest
    ) -> [Digest] {
        let length = unsafe messages.first?.count ?? 0
        precondition(
            unsafe messages.allSatisfy { $0.count == length },
            "only messages of one length go together"
        )
        var digests: [Digest] = []
        let count = unsafe messages.count
        digests.reserveCapacity(count)
        for start in stride(from: 0, to: count, by: lanes) {
            let set = unsafe messages[start..<min(start + lanes, count)]
            guard unsafe set.count > 1 else {
                unsafe digests.append(alone(messages[start]))
                continue
            }
            // SAFETY: the function writes as many digests as there are messages, and the memory is for them.
            unsafe withUnsafeTemporaryAllocation(byteCount: set.count * Digest.byteCount, alignment: 8) { results in
                let begins = unsafe set.map { unsafe $0.baseAddress?.assumingMemoryBound(to: UInt8.self) }
                unsafe together(begins, Int32(set.count), length, results.bindMemory(to: UInt8.self).baseAddress)
                for place in stride(from: 0, to: results.count, by: Digest.byteCount) {
                    unsafe digests.append(digest(.init(rebasing: results[place..<place + Digest.byteCount])))
                }
            }
        }
        return digests
    }
}
