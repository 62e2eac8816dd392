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
        pending.insert(piece)
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
        acknowledged.remove(piece)
        pending.remove(piece)
    }

    func sync() {
        guard !losesSyncs, !isFailing else { return }
        synced = written
        acknowledged.formUnion(pending)
        pending = []
    }

    /// What was not synced is there, or not, or its first half alone: each piece as it comes.
    func powerLost() {
        for piece in written.indices where written[piece] != synced[piece] {
            switch random.below(3) {
            case 0: written[piece] = synced[piece]
            case 1: written[piece] = written[piece].map { Array($0.prefix($0.count / 2)) }
            default: break
            }
        }
        synced = written
        pending = []
    }
}
