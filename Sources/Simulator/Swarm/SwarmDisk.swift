// SPDX-License-Identifier: Apache-2.0

/// The pieces on a host's disk: what programs see, and what would be left if power failed now.
///
/// A write is synced one second later at the earliest, when ``sync()`` is called.
final class SwarmDisk: SimulatedDisk {
    /// By piece.
    private(set) var written: [[UInt8]?]
    private(set) var synced: [[UInt8]?]
    /// What the record beside the pieces says is there: what a start believes.
    private(set) var acknowledged: Set<Int> = []
    /// Verified and written since the last sync.
    private var pending: Set<Int> = []
    /// Acknowledged because the disk said that it had synced them, which it had not.
    private var liedAbout: Set<Int> = []
    /// Of those: what power failures have taken or changed, and what has not come again since.
    private(set) var forgotten: Set<Int> = []
    /// How many it has forgotten in all.
    private(set) var forgottenCount = 0
    /// How often anything on it has changed.
    private(set) var changes = 0
    /// A planted defect: the record is written before the piece is synced.
    var acknowledgesEarly = false

    init(pieceCount: Int, holding pieces: [[UInt8]]? = nil, random: RandomStream) {
        written = pieces ?? Array(repeating: nil, count: pieceCount)
        synced = written
        super.init(random: random)
        acknowledged = Set(synced.indices.filter { synced[$0] != nil })
    }

    /// False where the write fails.
    func write(_ piece: Int, _ bytes: [UInt8]) -> Bool {
        guard !tears(), takesWrites else { return false }
        written[piece] = bytes
        changes += 1
        pending.insert(piece)
        forgotten.remove(piece)
        if acknowledgesEarly { acknowledged.insert(piece) }
        return true
    }

    /// A part of a piece; nil where it is not there, or the disk fails.
    func read(_ piece: Int, _ range: Range<Int>) -> [UInt8]? {
        guard !isFailing, let bytes = written[piece], range.upperBound <= bytes.count else { return nil }
        return Array(bytes[range])
    }

    /// A piece that is not as it should be goes, as a file that the content store sets aside.
    func setAside(_ piece: Int) {
        written[piece] = nil
        changes += 1
        acknowledged.remove(piece)
        pending.remove(piece)
        liedAbout.remove(piece)
        forgotten.remove(piece)
    }

    /// Whoever calls it is told that what was written is safe, also by a disk that lies.
    func sync() {
        guard !isFailing else { return }
        if losesSyncs {
            liedAbout.formUnion(pending)
        } else {
            synced = written
            liedAbout = []
        }
        acknowledged.formUnion(pending)
        pending = []
    }

    /// What was not synced is there, or not, or its first half alone: each piece as it comes. What the disk lied about is
    /// not there, or half, or its second half reads as zeros.
    func powerLost() {
        for piece in written.indices where written[piece] != synced[piece] {
            let isLie = liedAbout.contains(piece)
            switch random.below(3) {
            case 0: written[piece] = synced[piece]
            case 1: written[piece] = written[piece].map { Array($0.prefix($0.count / 2)) }
            default: if isLie { written[piece] = written[piece].map { Self.halfZeros($0) } }
            }
            if isLie { forget(piece) }
        }
        changes += 1
        synced = written
        pending = []
        liedAbout = []
    }

    private func forget(_ piece: Int) {
        forgotten.insert(piece)
        forgottenCount += 1
    }

    private static func halfZeros(_ bytes: [UInt8]) -> [UInt8] {
        bytes.prefix(bytes.count / 2) + Array(repeating: 0, count: bytes.count - bytes.count / 2)
    }
}
