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
    /// Requests taken back that may be answered all the same.
    static let maximumCancelled = 256
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
    /// Where its address came from.
    var source: PeerSource
    var isUTP = false
    var phase: Phase
    var isClosed = false
    /// It has said elsewhere that it holds everything, and how it speaks: it is asked with our handshake.
    var isExpected = false
    /// What it has was taken for granted, and it has not said it yet.
    var isGuess = false
    /// It was asked before it said that it serves us.
    var awaitsUnchoke = false
    var handshakeBytes: [UInt8] = []
    var peerID: Digest160?
    var capabilities: Handshake.Capabilities = []
    /// The other side speaks BEP 52 on this connection.
    var speaksV2 = false
    var parser: PeerMessageParser
    var extensions: ExtensionTable
    var isUploadOnly = false
    var metadataSize: Int?
    /// It has said where its DHT node is.
    var hasToldDHTPort = false
    /// The port on which it says that it listens.
    var listenPort: UInt16?
    var prefersEncryption = false
    /// As it names itself, at most 64 characters: for people, and believed by none.
    var client: String?

    // What it has.
    var pieces: Bitfield?
    var hasAll = false
    var earlyBitfield: [UInt8]?
    var earlyPieces: [UInt32] = []
    /// It has said what it has, which is done once (BEP 3, BEP 6).
    var hasDeclared = false
    /// Pieces that it took back; see ``TorrentSession/maximumTakenBack``.
    var takenBack = 0

    // What each side lets the other do.
    var isChoked = true
    var isInterested = false
    var isChokingUs = true
    /// When it last began to serve us.
    var unchokedAt = Duration.zero
    var weAreInterested = false
    /// Pieces that it sends us even while it chokes us, at most 64.
    var allowedFast: Set<Int> = []
    /// Pieces that we send it even while we choke it, at most ``AllowedFastSet/size``, and the bytes left of each.
    var grantedFast: [Int: Int] = [:]
    /// Pieces that it would like to send, at most ``TorrentSession/maximumSuggestions``.
    var suggested: [Int] = []
    /// We have told it that we want nothing (BEP 21).
    var toldUploadOnly = false

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
    /// Requests for pieces that others were given: they wait, that others may answer them (``SeedSpread``). Together with
    /// ``uploads`` at most ``maximumUploads``.
    private(set) var deferred: Deque<BlockRange> = []
    /// Bytes that it may be sent at once of pieces that others were given; and how many more after the next pause.
    var grace = SeedSpread.firstGrace
    var nextGrace = SeedSpread.firstGrace
    /// Pieces that it was offered and has not asked for, at most ``SeedSpread/maximumOffers``.
    var offered: Set<Int> = []
    /// How many of the first requests have been looked at for reading ahead, and their bytes.
    private(set) var aheadCount = 0
    private(set) var aheadBytes = 0
    var inFlight = 0
    var sendWindow = SendWindow()
    var uploaded: Int64 = 0
    var uploadedBefore: Int64 = 0
    var uploadRate = 0

    /// Requests that were refused in a row; see ``TorrentSession/maximumRefused``.
    var refused = 0
    /// The last time that payload went either way.
    var lastUseful: Duration
    /// Super-seeding: what it was told that we have, and when for those whose spread is awaited, at most
    /// ``SuperSeeding/outstanding``.
    var revealed: Set<Int> = []
    var awaited: [Int: Duration] = [:]

    // Other peers.
    var exchange = PeerExchange()
    var holepunches = 0
    var holepunchesSince = Duration.zero

    // Metadata and hashes.
    var metadataRequests: [Int: Duration] = [:]
    var metadataRefusedUntil: Duration?
    var hashRequests: [HashRequest: Duration] = [:]
    var refusedHashes: Set<HashRequest> = []
    var refusalRounds = 0
    /// Bytes that we still hash for its requests of leaves; see ``TorrentSession/leafAllowance``.
    var leafBytes = TorrentSession.leafAllowance

    var outbox: [UInt8] = []
    var lastReceived: Duration
    var lastSent: Duration
    let since: Duration
    /// When the handshake could begin.
    var handshakeSince: Duration
    var isDirty = false

    init(
        id: ConnectionID,
        endpoint: Endpoint,
        isOutgoing: Bool,
        source: PeerSource,
        maximumRequests: Int,
        bitfieldBytes: Int,
        extensionNames: [String],
        now: Duration
    ) {
        self.id = id
        self.endpoint = endpoint
        self.isOutgoing = isOutgoing
        self.source = source
        phase = isOutgoing ? .dialling : .handshake
        parser = PeerMessageParser(limits: .init(bitfieldBytes: bitfieldBytes))
        extensions = ExtensionTable(names: extensionNames)
        pipeline = RequestPipeline(ownLimit: maximumRequests, now: now)
        lastBlock = now
        lastUseful = now
        lastReceived = now
        lastSent = now
        since = now
        handshakeSince = now
    }

    var isFast: Bool { capabilities.contains(.fast) }
    var isRunning: Bool { phase == .running && !isClosed }

    /// Where others can reach it; nil while it has not said.
    var reachableAt: Endpoint? {
        if isOutgoing { return endpoint }
        if let listenPort, listenPort != 0 { return Endpoint(endpoint.address, port: listenPort) }
        return isUTP ? endpoint : nil
    }

    /// It was asked for blocks, or stands in the middle of one.
    var owesBlocks: Bool { !requests.isEmpty || incoming.map { !$0.isReleased } ?? false }

    func has(_ piece: Int) -> Bool { hasAll || pieces?[piece] == true }

    /// Appends a message; it leaves when the session has finished with its input.
    func send(_ message: PeerMessage) { message.encode(into: &outbox) }

    // MARK: Requests from the peer

    var uploadCount: Int { uploads.count + deferred.count }
    var allUploads: [BlockRange] { Array(uploads) + Array(deferred) }

    func appendUpload(_ block: BlockRange) { uploads.append(block) }
    func deferUpload(_ block: BlockRange) { deferred.append(block) }
    func takeDeferred() -> BlockRange? { deferred.popFirst() }
    func owes(_ block: BlockRange) -> Bool { uploads.contains(block) || deferred.contains(block) }

    func removeFirstUpload() {
        guard let block = uploads.popFirst(), aheadCount > 0 else { return }
        aheadCount -= 1
        aheadBytes -= Int(block.length)
    }

    func removeUploads(where isUnwanted: (BlockRange) -> Bool) {
        uploads.removeAll(where: isUnwanted)
        if !deferred.isEmpty { deferred.removeAll(where: isUnwanted) }
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
