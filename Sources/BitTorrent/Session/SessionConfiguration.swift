// SPDX-License-Identifier: Apache-2.0
public import Wire

/// How one torrent session behaves.
public struct SessionConfiguration: Sendable {
    /// What we call ourselves in handshakes. 20 bytes, best drawn anew for each session.
    public var peerID: Digest160
    /// Program and version in the extension handshake.
    public var client = "Roost"
    /// The port on which we listen, told to peers.
    public var listenPort: UInt16?
    /// The port of our node of Mainline's DHT (BEP 5), told to peers that have one too; nil where there is none. Peers of a
    /// private torrent are not told (BEP 27).
    public var dhtPort: UInt16?
    /// Connections at once, both directions, 2...1000. Each costs about 4 KiB and what it has asked for.
    public var maximumConnections = 120
    /// Connections that one public address may make to us.
    static let maximumPerAddress = 8
    /// Dials under way at once.
    public var maximumDials = 30
    /// Peers are told of each other (BEP 11) and introduced (BEP 55), unless the torrent is private.
    public var exchangesPeers = true
    /// The driver can dial over uTP.
    public var usesUTP = false
    /// Seed so that few bytes leave twice (BEP 16): pieces are shown one by one, the next when another peer has the last.
    public var superSeeds = false
    /// Where else we are reached, told to peers (BEP 10 `ipv4` and `ipv6`): at most one of each family.
    public var otherAddresses: [IPAddress] = []
    /// Peers served at once, 0 for none. More than the usual four or eight: a page must not wait for a slot.
    public var uploadSlots = 24
    /// Bytes of pieces being received or verified: the most memory that a download takes. One piece is always allowed.
    public var bufferBytes = 24 << 20
    /// Bytes read from disk that wait to be sent.
    public var readCacheBytes = 8 << 20
    /// Requests to one peer at once, 1...2000. 16 MiB fill a fast local network.
    public var maximumRequests = 1024
    /// Every piece is wanted. Without it, only those named by `want` and by readers.
    public var wantsEverything = true
    /// BEP 53: the files wanted, by number; nil for all. Only where ``wantsEverything``; and with the end of these the session is
    /// a partial seed.
    public var selectedFiles: [ClosedRange<Int>]?
    /// Whose rate limits the torrent shares, beside everybody's and its own; the driver knows the classes.
    public var rateClass: String?
    /// What `want` names is all that will ever be wanted: when it is there, peers are told so (BEP 21 "partial seed").
    public var wantsSelection = false
    /// Drop peers when neither side wants anything of the other.
    public var closesWhenBothComplete = true
    /// Give up a silent connection after this time; BEP 3 has a keep-alive every two minutes.
    public var idleTimeout = Duration.seconds(240)

    /// For the simulator's own trial.
    package var defect: SessionDefect?

    /// The defaults. `peerID`: what we call ourselves in handshakes, a fresh one each time the program starts.
    public init(peerID: Digest160) {
        self.peerID = peerID
    }
}
