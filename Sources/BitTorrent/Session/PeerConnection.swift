// SPDX-License-Identifier: Apache-2.0
internal import DequeModule
internal import Wire

/// What a session knows of one connection. A class so that the session can change it in place; never seen outside.
///
/// ```
///  dialling ──connected──▶ handshake ──68 bytes──▶ running
///              accepted ──────▲
/// ```
/// Memory: a bitfield, up to ``maximumUploads`` requests of 12 bytes from the peer, and ours to it.
final class PeerConnection {
    /// What we tell peers as `reqq`, and keep.
    static let maximumUploads = 2048
    /// How long a peer that refuses a request is left in peace.
    static let refusalPause = Duration.seconds(1)
    /// Before the number of pieces is known, a bitfield may have this many bytes: 2 million pieces.
    static let earlyBitfieldBytes = 1 << 18
    static let earlyHaves = 8192

    enum Phase { case dialling, handshake, running }

    /// A request that has not been answered.
    struct Request: Equatable {
        var piece: Int32
        var block: Int32
        var isCancelled = false
    }

    /// A block whose bytes are coming in.
    struct Incoming {
        var piece: Int
        var block: Int
        var position: Int
        var end: Int
        var isKept: Bool
        /// The block was given to others, since it did not go on.
        var isReleased = false
    }

    let id: ConnectionID
    let endpoint: Endpoint
    let isOutgoing: Bool
    var phase: Phase
    var isClosed = false
    var handshakeBytes: [UInt8] = []
    var peerID: Digest160?
    var capabilities: Handshake.Capabilities = []
    /// The other side speaks BEP 52 on this connection.
    var speaksV2 = false
    var parser: PeerMessageParser
    var extensions: ExtensionTable
    var isUploadOnly = false
    var metadataSize: Int?
    /// As it names itself, at most 64 characters: for people, and believed by none.
    var client: String?

    // What it has.
    var pieces: Bitfield?
    var hasAll = false
    var earlyBitfield: [UInt8]?
    var earlyPieces: [UInt32] = []

    // What each side lets the other do.
    var isChoked = true
    var isInterested = false
    var isChokingUs = true
    /// When it last began to serve us.
    var unchokedAt = Duration.zero
    var weAreInterested = false
    var allowedFast: Set<Int> = []

    // Download.
    var requests: Deque<Request> = []
    var cancelled: [Request] = []
    var incoming: Incoming?
    var pipeline: RequestPipeline
    var currentPiece: Int?
    var hasNothingNew = false
    var isStalled = false
    /// It refuses what it is asked for: nothing is asked before this time.
    var retryAt: Duration?
    var lastBlock: Duration
    var downloaded: Int64 = 0

    // Upload.
    private(set) var uploads: Deque<BlockRange> = []
    /// How many of the first requests have been looked at for reading ahead, and their bytes.
    private(set) var aheadCount = 0
    private(set) var aheadBytes = 0
    var inFlight = 0
    var sendWindow = SendWindow()
    var uploaded: Int64 = 0
    var uploadedBefore: Int64 = 0
    var uploadRate = 0

    // Metadata and hashes.
    var metadataRequests: [Int: Duration] = [:]
    var metadataRefusedUntil: Duration?
    var hashRequests: [HashRequest: Duration] = [:]
    var refusedHashes: Set<HashRequest> = []
    var refusalRounds = 0

    var outbox: [UInt8] = []
    var lastReceived: Duration
    var lastSent: Duration
    let since: Duration
    var isDirty = false

    init(
        id: ConnectionID,
        endpoint: Endpoint,
        isOutgoing: Bool,
        maximumRequests: Int,
        bitfieldBytes: Int,
        extensionNames: [String],
        now: Duration
    ) {
        self.id = id
        self.endpoint = endpoint
        self.isOutgoing = isOutgoing
        phase = isOutgoing ? .dialling : .handshake
        parser = PeerMessageParser(limits: .init(bitfieldBytes: bitfieldBytes))
        extensions = ExtensionTable(names: extensionNames)
        pipeline = RequestPipeline(ownLimit: maximumRequests, now: now)
        lastBlock = now
        lastReceived = now
        lastSent = now
        since = now
    }

    var isFast: Bool { capabilities.contains(.fast) }
    var isRunning: Bool { phase == .running && !isClosed }

    /// It was asked for blocks, or stands in the middle of one.
    var owesBlocks: Bool { !requests.isEmpty || incoming.map { !$0.isReleased } ?? false }

    func has(_ piece: Int) -> Bool { hasAll || pieces?[piece] == true }

    /// Appends a message; it leaves when the session has finished with its input.
    func send(_ message: PeerMessage) { message.encode(into: &outbox) }

    // MARK: Requests from the peer

    func appendUpload(_ block: BlockRange) { uploads.append(block) }

    func removeFirstUpload() {
        guard let block = uploads.popFirst(), aheadCount > 0 else { return }
        aheadCount -= 1
        aheadBytes -= Int(block.length)
    }

    func removeUploads(where isUnwanted: (BlockRange) -> Bool) {
        uploads.removeAll(where: isUnwanted)
        aheadCount = 0
        aheadBytes = 0
    }

    /// The next request to read ahead for.
    func nextAhead() -> BlockRange? {
        guard aheadCount < uploads.count else { return nil }
        let block = uploads[aheadCount]
        aheadCount += 1
        aheadBytes += Int(block.length)
        return block
    }

    // MARK: Requests to the peer

    /// Takes the request that a block answers.
    func takeRequest(piece: Int, block: Int) -> Request? {
        // Peers answer in order, so it is nearly always the first.
        if let first = requests.first, first.piece == piece, first.block == block { return requests.removeFirst() }
        if let index = requests.firstIndex(where: { $0.piece == piece && $0.block == block }) {
            return requests.remove(at: index)
        }
        guard let index = cancelled.firstIndex(where: { $0.piece == piece && $0.block == block }) else { return nil }
        return cancelled.remove(at: index)
    }
}
