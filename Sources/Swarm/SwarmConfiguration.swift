// SPDX-License-Identifier: Apache-2.0
public import BitTorrent
public import Transport

/// How a program's torrents use the machine.
public struct SwarmConfiguration: Sendable {
    /// How connections to peers are set up.
    public var tcp = TCPConfiguration()
    /// How trackers and web seeds are asked.
    public var http = HTTPConfiguration()
    /// Threads that hash, read and write, 1...64. More than there are cores is of no use.
    public var diskThreads: Int
    /// Bytes of piece buffers that are kept for the next pieces while none are in use.
    public var retainedBufferBytes = 24 << 20
    /// What connections are made over; uTP once there is a UDP port for it (``Swarm/useUDP(_:)``). What others make to us is
    /// taken where we listen.
    public var transports: Set<PeerTransport> = [.tcp, .utp]
    /// Connections of all torrents together. Each costs up to 80 KiB.
    public var maximumConnections = 1000
    /// Connections of all torrents together that are being made: a home router keeps a record of each for minutes.
    public var maximumDials = 50
    /// Of all torrents together.
    public var rates = TransferRates()
    /// Whether connections are obfuscated. Offering costs nothing until a peer asks for it.
    public var encryption = EncryptionPolicy.offer
    /// How long who connects to us may take to say what it wants. Ten seconds are many round trips.
    package var greetingPatience = Duration.seconds(10)
    /// What we call ourselves towards peers.
    public var client = "Roost"
    /// The first eight bytes of our peer ids (BEP 20).
    public var peerIDPrefix = "-RO0100-"

    /// - Parameter cores: what the machine has.
    public init(cores: Int) {
        diskThreads = max(2, min(cores, 8))
    }
}
