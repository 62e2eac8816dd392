// SPDX-License-Identifier: Apache-2.0
public import Wire

/// A read that the driver does for a session.
public struct ReadID: Hashable, Sendable {
    /// Counts up in each session.
    public let raw: UInt64
    /// For the session, which hands numbers out.
    public init(_ raw: UInt64) { self.raw = raw }
}

/// Why a connection is given up.
public enum CloseReason: Hashable, Sendable {
    case wire(PeerWireError)
    /// The other side answered with the hash of another torrent.
    case wrongHash
    /// We have reached ourselves.
    case ownPeerID
    /// We are connected to this peer already.
    case duplicate
    /// A piece, offset or length that the torrent does not have, or a bitfield of the wrong size.
    case outOfBounds
    case unrequestedBlock
    /// It sent blocks, metadata or hashes that are wrong.
    case badData
    case banned
    /// It does not take what we send.
    case notReading
    case timeout
    /// Neither side wants anything of the other.
    case bothComplete
    /// For a while neither side has wanted anything of the other, though one of them may want something another time.
    case bothIdle
    case tooManyConnections
    /// A message that was not agreed on, or that may come only once.
    case protocolViolation
    /// More messages than any honest peer sends.
    case flooding
    /// It was of no use for a while, and another wants its place.
    case displaced
    /// The torrent has turned out to be private, and its address did not come from a tracker (BEP 27).
    case privateTorrent
    case stopped
}

/// What is known of the way to a peer.
public struct DialRoute: Hashable, Sendable {
    /// The other side dials over uTP at this moment too, and nothing else gets through (BEP 55).
    public var isUTPOnly = false
    /// Somebody said so of the peer.
    public var prefersObfuscation = false

    /// Nothing is known of the peer, unless it is said.
    public init(isUTPOnly: Bool = false, prefersObfuscation: Bool = false) {
        self.isUTPOnly = isUTPOnly
        self.prefersObfuscation = prefersObfuscation
    }
}

/// What the driver of a ``TorrentSession`` has to do, in the order given.
public enum SessionAction: Equatable, Sendable {
    /// Connect, then call `connected`, `closed`, or `postponed`.
    case dial(ConnectionID, Endpoint, DialRoute)
    /// Send these bytes; call `sent` when the network has taken them.
    case send(ConnectionID, [UInt8])
    /// Send the header and then a range of what was read; call `sent` with the sum.
    case sendBlock(ConnectionID, header: PieceHeader, read: ReadID, range: Range<Int>)
    /// Copy a range of the input now at hand into the buffer of a piece, which is made at the first copy.
    case copy(piece: PieceIndex, length: Int, offset: Int, input: Range<Int>)
    /// The buffer of the piece is no longer needed.
    case release(PieceIndex)
    /// Hash the piece's buffer, write it if it matches, then call `pieceFinished`. The buffer is not needed after the actions
    /// that this returns.
    indirect case verify(PieceCheck)
    /// The buffer of the piece that `pieceFinished` was just called with is kept: the piece from its first byte on is what was
    /// read under this number.
    case keep(ReadID, PieceIndex)
    /// Read a range of a verified piece, zeros where it is padding, then call `readFinished`.
    case read(ReadID, piece: PieceIndex, offset: Int, length: Int)
    /// Read whole verified pieces and hash each of their blocks of 16 KiB, then call `leavesFinished`.
    case hashLeaves(ReadID, pieces: Range<PieceIndex>)
    /// What was read is no longer needed.
    case releaseRead(ReadID)
    /// Hash the info dictionary against the torrent's infohashes and parse it, then call `metadataFinished`.
    case checkMetadata([UInt8])
    /// Have the web seed send these pieces, then call `receive(fromWebSeed:)` as their bytes come, or `webSeedFailed`.
    case fetch(ConnectionID, pieces: Range<PieceIndex>)
    /// Of a web seed: it is not asked any more, and need not go on.
    case close(ConnectionID, CloseReason)
    /// Call `wake` at this time; replaces the time given before.
    case wake(at: Duration)
    case event(SessionEvent)
}

/// What the session tells those who use it.
public enum SessionEvent: Equatable, Sendable {
    /// The info dictionary has been fetched and verified.
    case metadata
    /// The piece is there and right, be it downloaded or found.
    case pieceVerified(PieceIndex)
    /// Every piece that is wanted is verified and written.
    case complete
    /// A piece could not be written, or was written and could not be read, again and again; the download has stopped.
    case storageFailed(PieceIndex)
    /// What was verified cannot be read any more, or is not what it was: the file with this piece is to be looked at.
    case pieceUnreadable(PieceIndex)
    case banned(Endpoint)
    /// Where a peer says that its DHT node is (BEP 5); at most once a connection.
    case dhtNode(Endpoint)
}
