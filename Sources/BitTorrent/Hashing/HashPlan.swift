// SPDX-License-Identifier: Apache-2.0

/// How the content of a torrent is hashed in one reading pass by any number of threads.
///
/// The content is cut into jobs at v1 piece boundaries of about 8 MiB. Each is read and hashed by itself, once, for both
/// versions: give its bytes to a ``HashJobRunner``, then the result to one ``HashAssembler``, in any order. A v2 block that
/// a cut divides (files start anywhere in v1) is carried across it, at most 16 KiB a job. Memory: 24 bytes a file.
public struct HashPlan: Sendable {
    /// How the v1 pieces lie over the files.
    public enum V1Layout: Sendable {
        /// No v1 hashes.
        case none
        /// Files end to end: a v1 torrent, and the twin of a v2 one.
        case contiguous
        /// Zeros after each file up to the next piece: a hybrid.
        case padded

        /// What a torrent of `kind` has. A hybrid of a single file has nothing behind it to align.
        public init(_ kind: TorrentKind, isSingleFile: Bool) {
            switch kind {
            case .v1: self = .contiguous
            case .v2: self = .none
            case .hybrid: self = isSingleFile ? .contiguous : .padded
            }
        }
    }

    /// About how much one job reads.
    public static let preferredJobLength = 8 << 20

    /// Bytes of each file, in the order in which results number them.
    public let lengths: [Int64]
    /// Bytes of a piece: a power of two from 16 KiB, for v1 as well.
    public let pieceLength: Int
    let v1: V1Layout
    let hasV2: Bool
    /// How many jobs there are; they are numbered from 0 in reading order.
    public let jobCount: Int
    private let map: PieceMap
    private let piecesPerJob: Int

    /// - Returns: nil where the lengths or the piece length are beyond the limits, or the latter not one of v2.
    public init?(
        lengths: [Int64],
        pieceLength: Int,
        v1: V1Layout,
        hasV2: Bool,
        jobLength: Int = HashPlan.preferredJobLength
    ) {
        guard !hasV2 && v1 != .padded || PieceLength.isValidForV2(pieceLength) else { return nil }
        var listed: [(length: Int64, isPadding: Bool)] = []
        listed.reserveCapacity(lengths.count * (v1 == .padded ? 2 : 1))
        for length in lengths {
            listed.append((length, false))
            // Every file has an entry for padding, so that its number is half of the entry's.
            if v1 == .padded { listed.append((Self.padding(after: length, pieceLength: pieceLength), true)) }
        }
        guard let map = PieceMap(lengths: listed, pieceLength: pieceLength, alignment: .contiguous) else { return nil }
        self.lengths = lengths
        self.pieceLength = pieceLength
        self.v1 = v1
        self.hasV2 = hasV2
        self.map = map
        piecesPerJob = max(1, jobLength / pieceLength)
        jobCount = (map.pieceCount + piecesPerJob - 1) / piecesPerJob
    }

    /// The zeros that bring `length` bytes up to a piece boundary; 0 for an empty file.
    static func padding(after length: Int64, pieceLength: Int) -> Int64 {
        let over = length % Int64(pieceLength)
        return over <= 0 ? 0 : Int64(pieceLength) - over
    }

    /// What to read for job number `index`, in order; a segment that is padding is not read.
    /// - Precondition: the index is below ``jobCount``.
    public func segments(ofJob index: Int) -> [FileSegment] {
        precondition((0..<jobCount).contains(index), "no job \(index)")
        let first = index * piecesPerJob
        let last = min(first + piecesPerJob, map.pieceCount)
        let step = Int64(pieceLength)
        return map.segments(from: Int64(first) * step, to: Int64(last) * step).map { segment in
            var segment = segment
            if v1 == .padded { segment.file /= 2 }
            return segment
        }
    }

    /// What hashes job `index`, which must be below ``jobCount``.
    public func runner(forJob index: Int) -> HashJobRunner {
        HashJobRunner(
            index: index,
            segments: segments(ofJob: index),
            pieceLength: pieceLength,
            hasV1: v1 != .none,
            hasV2: hasV2
        )
    }
}
