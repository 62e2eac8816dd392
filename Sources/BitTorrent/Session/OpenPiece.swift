// SPDX-License-Identifier: Apache-2.0

/// A piece that is being received, block by block.
///
/// Keeps who sent what, so that a bad piece can be traced. A class, with one owner: a dictionary hands a value out for change
/// by way of allocated frames, several for each block. Memory: 8 bytes a block.
final class OpenPiece {
    enum BlockState: UInt8 {
        case missing
        case requested
        /// Its bytes are coming in; `sender` writes them.
        case receiving
        case received
    }

    struct Block {
        var state = BlockState.missing
        /// How many connections owe us the block.
        var requests: UInt8 = 0
        /// Who sends or sent the block.
        var sender = ConnectionID.none
    }

    let piece: Int
    /// Bytes of data, padding not counted.
    let length: Int
    private(set) var blocks: [Block]
    private(set) var missingCount: Int
    private(set) var receivedCount = 0
    /// Only this connection may fill the piece: it failed before, and we want to know whose fault it is.
    var exclusiveTo: ConnectionID?
    /// Who opened the piece: others leave it alone while there is something else to do.
    let owner: ConnectionID
    /// When the last block came, for taking over from who has stopped.
    private(set) var lastProgress: Duration
    private var firstMissing = 0

    init(piece: Int, length: Int, owner: ConnectionID, now: Duration) {
        self.piece = piece
        self.length = length
        self.owner = owner
        let count = (length + TorrentSpecification.blockLength - 1) / TorrentSpecification.blockLength
        blocks = Array(repeating: Block(), count: count)
        missingCount = count
        lastProgress = now
    }

    var isComplete: Bool { receivedCount == blocks.count }

    /// Who sent each block.
    var senders: [ConnectionID] { blocks.map(\.sender) }

    func blockLength(_ block: Int) -> Int {
        min(TorrentSpecification.blockLength, length - block * TorrentSpecification.blockLength)
    }

    /// Whether `connection` may fill it.
    func isOpen(to connection: ConnectionID) -> Bool { exclusiveTo ?? connection == connection }

    /// The first block that nobody was asked for, marked as asked.
    func takeMissing() -> Int? {
        guard missingCount > 0 else { return nil }
        while firstMissing < blocks.count, blocks[firstMissing].state != .missing { firstMissing += 1 }
        guard firstMissing < blocks.count else { return nil }
        markRequested(firstMissing)
        return firstMissing
    }

    func markRequested(_ block: Int) {
        if blocks[block].state == .missing {
            blocks[block].state = .requested
            missingCount -= 1
        }
        if blocks[block].requests < .max { blocks[block].requests += 1 }
    }

    /// A second connection has been asked for the block; remembered so that it is not asked twice.
    func noteDuplicate(_ block: Int, to connection: ConnectionID) { blocks[block].sender = connection }

    /// A connection no longer owes us the block: it answered, refused, or is gone.
    func requestEnded(_ block: Int, by connection: ConnectionID) {
        if blocks[block].requests > 0 { blocks[block].requests -= 1 }
        if isReceiving(block, from: connection) { blocks[block].state = .requested }
        guard blocks[block].state == .requested, blocks[block].requests == 0 else { return }
        blocks[block].state = .missing
        missingCount += 1
        firstMissing = min(firstMissing, block)
    }

    /// Whether the bytes of the block, which `connection` starts to send, are to be kept.
    func beginReceiving(_ block: Int, from connection: ConnectionID, canTakeOver: Bool) -> Bool {
        let state = blocks[block].state
        guard state != .received, state != .receiving || canTakeOver else { return false }
        if state == .missing { missingCount -= 1 }
        blocks[block].state = .receiving
        blocks[block].sender = connection
        return true
    }

    /// Whether `connection` is the one whose bytes go into the block.
    func isReceiving(_ block: Int, from connection: ConnectionID) -> Bool {
        blocks[block].state == .receiving && blocks[block].sender == connection
    }

    func finishReceiving(_ block: Int, now: Duration) {
        blocks[block].state = .received
        receivedCount += 1
        lastProgress = now
    }
}
