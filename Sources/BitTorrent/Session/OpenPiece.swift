// SPDX-License-Identifier: Apache-2.0

/// A piece that is being received, block by block.
///
/// Keeps who sent what, so that a bad piece can be traced. Memory: 8 bytes a block.
struct OpenPiece {
    enum BlockState: UInt8 {
        case missing
        case requested
        /// Its bytes are coming in; `sender` writes them.
        case receiving
        case received
    }

    let piece: Int
    /// Bytes of data, padding not counted.
    let length: Int
    private(set) var states: [BlockState]
    /// How many connections owe us the block.
    private(set) var requests: [UInt8]
    /// Who sends or sent the block.
    private(set) var senders: [ConnectionID]
    private(set) var missingCount: Int
    private(set) var receivedCount = 0
    /// Only this connection may fill the piece: it failed before, and we want to know whose fault it is.
    var exclusiveTo: ConnectionID?
    /// Who opened the piece: others leave it alone while there is something else to do.
    var owner: ConnectionID
    /// When the last block came, for taking over from who has stopped.
    var lastProgress: Duration
    private var firstMissing = 0

    init(piece: Int, length: Int, owner: ConnectionID, now: Duration) {
        self.piece = piece
        self.length = length
        self.owner = owner
        let count = (length + TorrentSpecification.blockLength - 1) / TorrentSpecification.blockLength
        states = Array(repeating: .missing, count: count)
        requests = Array(repeating: 0, count: count)
        senders = Array(repeating: ConnectionID.none, count: count)
        missingCount = count
        lastProgress = now
    }

    var blockCount: Int { states.count }
    var isComplete: Bool { receivedCount == states.count }

    func blockLength(_ block: Int) -> Int {
        min(TorrentSpecification.blockLength, length - block * TorrentSpecification.blockLength)
    }

    /// The first block that nobody was asked for, marked as asked.
    mutating func takeMissing() -> Int? {
        guard missingCount > 0 else { return nil }
        while firstMissing < states.count, states[firstMissing] != .missing { firstMissing += 1 }
        guard firstMissing < states.count else { return nil }
        markRequested(firstMissing)
        return firstMissing
    }

    mutating func markRequested(_ block: Int) {
        if states[block] == .missing {
            states[block] = .requested
            missingCount -= 1
        }
        if requests[block] < .max { requests[block] += 1 }
    }

    /// A second connection has been asked for the block; remembered so that it is not asked twice.
    mutating func noteDuplicate(_ block: Int, to connection: ConnectionID) { senders[block] = connection }

    /// A connection no longer owes us the block: it answered, refused, or is gone.
    mutating func requestEnded(_ block: Int, by connection: ConnectionID) {
        if requests[block] > 0 { requests[block] -= 1 }
        if states[block] == .receiving, senders[block] == connection { states[block] = .requested }
        guard states[block] == .requested, requests[block] == 0 else { return }
        states[block] = .missing
        missingCount += 1
        firstMissing = min(firstMissing, block)
    }

    /// Whether the bytes of the block, which `connection` starts to send, are to be kept.
    mutating func beginReceiving(_ block: Int, from connection: ConnectionID, canTakeOver: Bool) -> Bool {
        guard states[block] != .received, states[block] != .receiving || canTakeOver else { return false }
        if states[block] == .missing { missingCount -= 1 }
        states[block] = .receiving
        senders[block] = connection
        return true
    }

    /// Whether `connection` is the one whose bytes go into the block.
    func isReceiving(_ block: Int, from connection: ConnectionID) -> Bool {
        states[block] == .receiving && senders[block] == connection
    }

    mutating func finishReceiving(_ block: Int, now: Duration) {
        states[block] = .received
        receivedCount += 1
        lastProgress = now
    }
}
