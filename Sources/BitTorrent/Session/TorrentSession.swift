// SPDX-License-Identifier: Apache-2.0
public import Wire

/// One torrent and its peers: what to ask whom for, whom to serve, whom to believe (BEP 3, 6, 9, 10, 52).
///
/// ```
///                 peers send the info dictionary        every piece that is wanted is verified
///   fetching metadata ────────────────▶ downloading ─────────────────────────────▶ seeding
///        magnet                 .torrent ▲   sparse ▲ ◀──────────────────────────────
///                                                              want(more)
/// ```
/// A machine without I/O: each method is one event or command and returns what the driver must do, in order. Received
/// payload is never copied by it: it says to which piece a range of the input belongs (``SessionAction/copy``). `now` is
/// the time since a start that the driver chose; it never goes back.
///
/// Nothing received is believed. A block counts only if it was asked for; a piece is announced and served only after the
/// driver has hashed and written it; who sent which block is kept until then, so that bad data leads to a ban.
///
/// Bounds: ``SessionConfiguration`` names those of connections, buffers and requests. A connection costs about 4 KiB plus a
/// bit a piece, 24 bytes for each request either way, and at most 2 MiB of messages that the network has not taken.
/// Known addresses: see ``PeerBook``. One input of n bytes gives at most n / 5 + 64 actions for each connection.
public struct TorrentSession: ~Copyable {
    /// What stands in the way of more: bytes given to the driver that the network has not taken, for one connection.
    static let maximumUnsent = 2 << 20

    /// Bytes of pieces that may be asked for before their hashes are known, and wait for these in memory: whoever sends the ones
    /// and keeps back the others can hold no more than this.
    static let maximumUnproven = 2 << 20

    /// Room that is made ahead: for actions of an input, and for bytes of messages to one peer.
    static let keptRoom = 512

    let configuration: SessionConfiguration
    /// What the torrent is called by: a handshake with either hash is for it.
    public let infoHashes: InfoHashes
    /// Nil while the info dictionary is being fetched.
    public internal(set) var content: TorrentContent?
    /// The info dictionary as received, for peers that ask for it; nil while unknown, and for sparse torrents.
    var infoDictionary: [UInt8]?
    /// The pieces that are verified and written.
    public internal(set) var have: Bitfield
    var wanted: Bitfield
    /// Pieces that are wanted and not there.
    var missingCount = 0

    var connections = ConnectionTable()
    var dirty: [PeerConnection] = []
    var nextConnection: UInt32 = 1
    var book = PeerBook()
    var departed = DepartedPeers()
    var picker: PiecePicker
    var choker: Choker
    var random: SessionRandom
    var metadata: MetadataExchange?
    var uploads = UploadCache()
    var limits: SessionLimits
    /// When a rate limit lets more through.
    var limitOpens: Duration?
    /// Of IPv4 and of IPv6.
    var external = [ExternalAddress(), ExternalAddress()]
    /// Where our program is reached, as it has learned by other ways (the DHT, the router): at most one of each family. Told to
    /// peers of the other family from their next connection on.
    public var reachedAt: [IPAddress] = []
    /// While we pose as a peer without pieces.
    var superSeeding: SuperSeeding?
    /// What a lone seed gave to whom, while many fetch.
    var spread: SeedSpread?
    /// Pieces that are being hashed and written, with the record of who sent what.
    var verifying: [Int: OpenPiece] = [:]
    var verifyingBytes = 0
    var failures: [Int: FailedAttempt] = [:]
    var readers: [Int: [Int]] = [:]
    var hashesWanted: [HashRequest] = []
    var webSeeds: [ConnectionID: WebSeedConnection] = [:]
    var leafReads: [ReadID: LeafAnswer] = [:]
    /// Pieces that are asked for though their hashes are not known yet, at most ``maximumUnproven`` bytes of them.
    var unproven: Set<Int> = []

    /// A crowd serves us: seeds are asked only for what is rare.
    var sparesSeeds = false
    /// Bytes a second that the seeds gave together, slowly forgotten.
    var bestSeedRate = 0

    var isStopped = false
    var isPaused = false
    /// How often a piece could not be read since the last ``resume(now:)``: 16 bytes for each that could not.
    var unreadable: [Int: Int] = [:]
    var wasComplete = false
    var nextRead: UInt64 = 1
    var lastTick: Duration?
    var lastChoke: Duration
    var wakeTime: Duration?
    var actions: [SessionAction] = []
    var downloaded: Int64 = 0
    var uploaded: Int64 = 0
    var received: Int64 = 0

    /// `content`: nil for a magnet: the info dictionary is fetched first.
    /// `infoDictionary`: as in the .torrent file, to be handed to peers.
    /// `have`: the pieces that are there and verified; by default none.
    /// `limits`: rates that hold for it, which may be shared with other sessions of the same event loop.
    /// `seed`: for choices that are to differ between peers.
    public init(
        infoHashes: InfoHashes,
        content: TorrentContent?,
        infoDictionary: [UInt8]? = nil,
        have: Bitfield? = nil,
        configuration: SessionConfiguration,
        limits: SessionLimits = SessionLimits(),
        seed: UInt64,
        now: Duration
    ) {
        precondition(!infoHashes.isEmpty, "a torrent has at least one infohash")
        self.infoHashes = infoHashes
        self.configuration = configuration
        self.limits = limits
        self.infoDictionary = infoDictionary
        self.have = Bitfield(count: 0)
        wanted = Bitfield(count: 0)
        picker = PiecePicker(pieceCount: 0)
        choker = Choker(slots: configuration.uploadSlots)
        random = SessionRandom(state: seed)
        lastChoke = now
        if let content {
            begin(content, have: have ?? Bitfield(count: content.pieceCount))
        } else {
            metadata = MetadataExchange()
        }
    }

    // MARK: State

    /// Everything wanted is verified and written; false while it is not known what there is.
    public var isComplete: Bool { content != nil && missingCount == 0 }
    /// BEP 21: we want nothing, and shall want nothing. A sparse session that waits for its next reader is not such, before it
    /// has every piece.
    var isUploadOnly: Bool { isComplete && (hasEverything || configuration.wantsSelection) }
    /// Nothing that a peer may have could ever be wanted.
    var hasEverything: Bool { isComplete && (configuration.wantsEverything || have.isFull) }
    /// Nil while the info dictionary is being fetched.
    public var pieceCount: Int? { content?.pieceCount }
    /// Where the connected peers are, in no order.
    public var endpoints: [Endpoint] { connections.values.filter(\.isRunning).map(\.endpoint) }

    /// Starts on the pieces, now that they are known.
    mutating func begin(_ content: TorrentContent, have: Bitfield) {
        self.content = content
        self.have = have
        metadata = nil
        picker = PiecePicker(pieceCount: content.pieceCount)
        wanted = wantedAtFirst(of: content)
        guard configuration.wantsEverything else { return }
        let missing = wanted.indices.filter { !have[$0] }
        missingCount = missing.count
        enlist(missing.shuffled(using: &random))
        wasComplete = missingCount == 0
        if configuration.superSeeds, have.isFull { superSeeding = SuperSeeding(pieceCount: content.pieceCount) }
    }

    private func wantedAtFirst(of content: TorrentContent) -> Bitfield {
        guard configuration.wantsEverything else { return Bitfield(count: content.pieceCount) }
        guard let selected = configuration.selectedFiles, let map = content.map else {
            return Bitfield(allSet: content.pieceCount)
        }
        var wanted = Bitfield(count: content.pieceCount)
        // Numbers that the torrent does not have cost nothing: the ranges are a stranger's.
        let files = Set(selected.flatMap { $0.clamped(to: 0...TorrentSpecification.maximumFiles) })
        for file in files { for piece in map.pieces(file: file) { wanted[piece] = true } }
        return wanted
    }

    /// Offers pieces to the picker, and asks for the hashes that are not known. A few pieces are asked for together with these,
    /// which saves whoever waits a round trip: they are verified when their hashes come.
    mutating func enlist(_ pieces: [Int]) {
        guard let content else { return }
        var asked = Set(hashesWanted)
        for piece in pieces where !have[piece] && wanted[piece] && verifying[piece] == nil {
            if content.isHashKnown(of: piece) {
                picker.want(piece)
                // It may have come before its hash.
                if unproven.remove(piece) != nil, picker.open[piece]?.isComplete == true { verify(piece) }
            } else if let request = content.hashRequest(forPiece: piece) {
                if asked.insert(request).inserted { hashesWanted.append(request) }
                guard (unproven.count + 1) * content.pieceLength <= Self.maximumUnproven else { continue }
                unproven.insert(piece)
                picker.want(piece)
            }
        }
        for peer in connections.values { peer.hasNothingNew = false }
    }

    // MARK: Giving the driver its work

    /// Ends every input: asks and serves where something changed, and hands over what there is to do.
    mutating func finish(_ now: Duration) -> [SessionAction] {
        var index = 0
        while index < dirty.count {
            let peer = dirty[index]
            index += 1
            peer.isDirty = false
            guard !peer.isClosed else { continue }
            if peer.isRunning { service(peer, now) }
            flush(peer, now)
        }
        dirty.removeAll(keepingCapacity: true)
        if !webSeeds.isEmpty { requestRuns(now) }
        scheduleWake(now)
        guard !actions.isEmpty else { return [] }
        // The next input is likely to give as much: room for it is made once, not as it grows.
        defer {
            let room = min(actions.count, Self.keptRoom)
            actions = []
            actions.reserveCapacity(room)
        }
        return actions
    }

    mutating func touch(_ peer: PeerConnection) {
        guard !peer.isDirty else { return }
        peer.isDirty = true
        dirty.append(peer)
    }

    mutating func touchAll() { for peer in connections.values { touch(peer) } }

    private mutating func service(_ peer: PeerConnection, _ now: Duration) {
        requestMetadata(peer, now)
        requestHashes(peer, now)
        requestBlocks(peer, now)
        serveBlocks(peer, now)
    }

    /// Hands the messages of a connection to the driver.
    mutating func flush(_ peer: PeerConnection, _ now: Duration) {
        guard !peer.outbox.isEmpty, !peer.isClosed else { return }
        let bytes = peer.outbox
        peer.outbox = []
        peer.outbox.reserveCapacity(min(bytes.count, Self.keptRoom))
        peer.inFlight += bytes.count
        peer.lastSent = now
        actions.append(.send(peer.id, bytes))
        if peer.inFlight > Self.maximumUnsent * 2 { close(peer, .notReading, now) }
    }
}
