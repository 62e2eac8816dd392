// SPDX-License-Identifier: Apache-2.0

/// Figures of a session, for people and for choosing what to do next.
public struct SessionStatus: Equatable, Sendable {
    /// Connections whose handshake is done.
    public var peers: Int
    /// Those of them that have every piece.
    public var seeds: Int
    /// Bytes a second.
    public var downloadRate: Int
    /// Bytes of payload a second, outwards.
    public var uploadRate: Int
    /// Payload bytes since the start.
    public var downloaded: Int64
    /// Payload bytes sent since the start.
    public var uploaded: Int64
    /// All bytes that peers sent since the start: payload, messages, hashes and handshakes.
    public var received: Int64
    /// Pieces of the torrent; nil while the info dictionary is being fetched.
    public var pieces: Int?
    /// Pieces that are verified and written.
    public var havePieces: Int
    /// Pieces that are wanted and not among those.
    public var missingPieces: Int
    /// What waits, each with its bound.
    public var queues: [SessionQueue] = []
}

/// One of a session's queues: how full it is.
public struct SessionQueue: Equatable, Sendable {
    /// What waits in it, for people.
    public var name: String
    /// How much is in it now, in the unit that the name says.
    public var used: Int
    /// Never exceeded, but by one piece or message where one must always pass.
    public var bound: Int

    /// For who owns the queue: session or driver.
    public init(_ name: String, _ used: Int, _ bound: Int) {
        self.name = name
        self.used = used
        self.bound = bound
    }
}

extension TorrentSession {
    /// What to show of the session.
    public var status: SessionStatus {
        let running = connections.values.filter(\.isRunning)
        return SessionStatus(
            peers: running.count,
            seeds: running.count { $0.hasAll || $0.pieces?.isFull == true },
            downloadRate: running.reduce(0) { $0 + $1.pipeline.rate },
            uploadRate: running.reduce(0) { $0 + $1.uploadRate },
            downloaded: downloaded,
            uploaded: uploaded,
            received: received,
            pieces: content?.pieceCount,
            havePieces: have.setCount,
            missingPieces: missingCount,
            queues: queues
        )
    }

    /// The most bytes that `verify`, `read` and `hashLeaves` together have a driver hash, write and read at once.
    public var diskBytes: Int {
        max(configuration.bufferBytes, content?.pieceLength ?? 0) + configuration.readCacheBytes
            + Self.maximumLeafReads * Self.maximumLeafBytes
    }

    /// What waits somewhere in the session, and how much may.
    package var queues: [SessionQueue] {
        var (window, requests, uploads, dials, served) = (0, 0, 0, 0, 0)
        for connection in connections.values {
            window = max(window, connection.inFlight)
            requests = max(requests, connection.requests.count)
            uploads = max(uploads, connection.uploadCount)
            if connection.phase == .dialling { dials += 1 }
            if !connection.isChoked { served += 1 }
        }
        return [
            SessionQueue("connections", connections.count, configuration.maximumConnections),
            SessionQueue("dials", dials, configuration.maximumDials),
            SessionQueue("known addresses", book.entries.count, PeerBook.capacity),
            SessionQueue("banned addresses", book.banCount, 2 * PeerBook.capacity),
            SessionQueue("peers served", served, choker.slots),
            SessionQueue("most requests to one peer", requests, configuration.maximumRequests),
            SessionQueue("most requests of one peer", uploads, PeerConnection.maximumUploads),
            SessionQueue("most bytes unsent to one peer", window, 2 * Self.maximumUnsent),
            SessionQueue("bytes of open pieces", picker.openBytes + verifyingBytes, configuration.bufferBytes),
            SessionQueue("bytes read ahead", self.uploads.bytes, configuration.readCacheBytes),
            SessionQueue("reads of leaf hashes", leafReads.count, Self.maximumLeafReads),
            SessionQueue("failed pieces remembered", failures.count, Self.maximumFailures),
            SessionQueue(
                "bytes of metadata that came",
                metadata?.heldBytes ?? 0,
                MetadataExchange.maximumBytes
            ),
        ]
    }
}
