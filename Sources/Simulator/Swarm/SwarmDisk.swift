// SPDX-License-Identifier: Apache-2.0

/// The pieces on a host's disk: what programs see, and what would be left if power failed now.
///
/// A write is synced one second later at the earliest, when ``sync()`` is called; a disk may run full, and may say that it
/// has synced when it has not.
final class SwarmDisk {
    /// By piece.
    private(set) var written: [[UInt8]?]
    private(set) var synced: [[UInt8]?]
    /// What the record beside the pieces says is there: what a start believes.
    private(set) var acknowledged: Set<Int> = []
    /// A planted defect: the record is written before the piece is synced.
    var acknowledgesEarly = false
    var isFull = false
    var losesSyncs = false

    init(pieceCount: Int, holding pieces: [[UInt8]]? = nil) {
        written = pieces ?? Array(repeating: nil, count: pieceCount)
        synced = written
        acknowledge()
    }

    private func acknowledge() { acknowledged = Set(synced.indices.filter { synced[$0] != nil }) }

    func write(_ piece: Int, _ bytes: [UInt8]) -> Bool {
        guard !isFull else { return false }
        written[piece] = bytes
        if acknowledgesEarly { acknowledged.insert(piece) }
        return true
    }

    func sync() {
        guard !losesSyncs else { return }
        synced = written
        acknowledge()
    }

    func powerLost() { written = synced }
}
