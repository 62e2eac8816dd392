// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent

/// How a peer wrongs the others.
enum SwarmWrong: Sendable {
    case none
    /// Every block that it sends is changed.
    case lies
    /// It takes requests and answers none.
    case silent
    /// It asks for one block again and again without reading.
    case floods
    /// Its line carries 2,000 bytes a second: it has everything, and a block takes eight seconds.
    case slow

    /// Whether it may be banned.
    var isLie: Bool { self == .lies || self == .floods }
    /// Whether it begins with every piece.
    var hasEverything: Bool { self == .lies || self == .silent || self == .slow }
}

/// What a peer sends that asks far more than it may, four times a second.
struct SwarmFlood {
    private var bytes: [UInt8] = []
    private var next = VirtualTime.zero

    mutating func pour(into stream: StreamEnd, _ torrent: SimulatedTorrent) {
        let now = stream.host.world.now
        guard now >= next else { return }
        next = now + .milliseconds(250)
        if bytes.isEmpty {
            for number in 0..<600 {
                let block = BlockRange(piece: UInt32(number % torrent.pieces.count), offset: 0, length: 16_384)
                PeerMessage.request(block).encode(into: &bytes)
            }
        }
        stream.write(bytes)
    }
}
