// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Keys
internal import Wire

/// Hashes pieces and compares them with what they must be. Runs on worker threads.
enum PieceWorker {
    private static let zeros = [UInt8](repeating: 0, count: 65_536)

    /// SHA-1 of the pieces where a check has one and no padding follows: those of one length are hashed together.
    static func sha1(of pieces: [(check: PieceCheck, buffer: PieceBuffer)]) -> [Digest160?] {
        var digests = [Digest160?](repeating: nil, count: pieces.count)
        let wanted = pieces.indices.filter { index in
            let check = pieces[index].check
            return check.v1 != nil && check.paddedLength == check.dataLength
        }
        for (length, indices) in Dictionary(grouping: wanted, by: { pieces[$0].check.dataLength }) {
            // SAFETY: the pieces are their worker's, who does nothing else with them meanwhile.
            let found = unsafe PieceBuffer.withBytes(of: indices.map { pieces[$0].buffer }, length) {
                unsafe Hash.sha1(of: $0)
            }
            for (index, digest) in zip(indices, found) { digests[index] = digest }
        }
        return digests
    }

    /// Hashes the piece and, if it is right, writes it. `sha1`: of its bytes, where that is known.
    static func verifyAndStore(
        _ check: PieceCheck,
        _ bytes: RawSpan,
        sha1: Digest160? = nil,
        in storage: any PieceStorage
    ) -> PieceOutcome {
        let (isRight, leaves) = verify(check, bytes, sha1: sha1)
        guard isRight else { return .mismatch(blockDigests: leaves.isEmpty ? digests(bytes) : leaves) }
        do throws(PieceStorageError) {
            try storage.write(check.piece, bytes)
        } catch {
            return .failed
        }
        guard check.wantsBlockDigests else { return .stored(blockDigests: []) }
        return .stored(blockDigests: leaves.isEmpty ? digests(bytes) : leaves)
    }

    /// Whether the bytes match every hash in the check; and their leaf hashes where these had to be made for it.
    static func verify(
        _ check: PieceCheck,
        _ bytes: RawSpan,
        sha1 known: Digest160? = nil
    ) -> (isRight: Bool, leaves: [Digest256]) {
        guard bytes.byteCount == check.dataLength, check.v1 != nil || check.v2 != nil else { return (false, []) }
        if let expected = check.v1 {
            let found = known ?? sha1(bytes, padding: check.paddedLength - check.dataLength)
            guard found == expected else { return (false, []) }
        }
        guard let expected = check.v2 else { return (true, []) }
        let leaves = digests(bytes)
        var stack = MerkleStack(layer: 0)
        for leaf in leaves { stack.append(leaf) }
        return (stack.root(height: check.v2Height) == expected, leaves)
    }

    private static func sha1(_ bytes: RawSpan, padding: Int) -> Digest160 {
        guard padding > 0 else { return Hash.sha1(bytes) }
        var stream = SHA1Stream()
        stream.update(bytes)
        var rest = padding
        while rest > 0 {
            let count = min(rest, zeros.count)
            unsafe stream.update(zeros.span.bytes.extracting(0..<count))
            rest -= count
        }
        return stream.finish()
    }

    /// Whether the beginning of the piece could be read.
    static func read(_ piece: PieceIndex, into bytes: inout MutableRawSpan, _ storage: any PieceStorage) -> Bool {
        do throws(PieceStorageError) {
            try storage.read(piece, offset: 0, into: &bytes)
            return true
        } catch {
            return false
        }
    }

    /// SHA-256 of each block of 16 KiB.
    static func digests(_ bytes: RawSpan) -> [Digest256] {
        Hash.sha256(blocksOf: bytes, length: TorrentSpecification.blockLength)
    }
}
