// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Wire

/// A torrent session with one peer that this script plays, in a time of its own: what the session itself costs, without
/// sockets, hashing and disk.
final class ScriptedPeer {
    static let pieceLength = 1 << 20
    private static let batch = 16
    private static let infoHash = Digest160(Array(repeating: 0x11, count: 20)) ?? .zero

    private var session: TorrentSession
    private var id = ConnectionID(0)
    private var now = Duration.seconds(1000)
    private var wake: Duration?
    /// Requests of the session that wait for us to answer: piece and block.
    private var asked: [(piece: UInt32, block: Int)] = []
    /// How many of them have been answered.
    private var answered = 0
    private var finished: [PieceIndex] = []
    private var reads: [ReadID] = []
    private(set) var blocks = 0
    private var input: [UInt8]

    init?(pieces: Int, isSeed: Bool) {
        let length = Int64(pieces * Self.pieceLength)
        guard
            let map = PieceMap(
                lengths: [(length, false)],
                pieceLength: Self.pieceLength,
                alignment: .contiguous
            ), let content = TorrentContent(map: map, v1: [UInt8](repeating: 1, count: pieces * 20), files: [])
        else { return nil }
        var have = Bitfield(count: pieces)
        if isSeed { for piece in 0..<pieces { have[piece] = true } }
        session = TorrentSession(
            infoHashes: InfoHashes(v1: Self.infoHash, v2: nil),
            content: content,
            have: have,
            configuration: SessionConfiguration(peerID: Self.infoHash),
            seed: 1,
            now: now
        )
        input = []
        for _ in 0..<Self.batch {
            input += PieceStream.header(piece: 0, block: 0) + [UInt8](repeating: 1, count: PieceStream.blockLength)
        }
        begin(isSeed: isSeed)
    }

    private func begin(isSeed: Bool) {
        let endpoint = Endpoint(.v4(0x0A00_0001), port: 6881)
        let (accepted, actions) = session.accept(from: endpoint, capabilities: .fast, hash: Self.infoHash, now: now)
        guard let accepted else { return }
        id = accepted
        take(actions)
        var greeting = [UInt8](repeating: 0x2D, count: 20)
        let first: [PeerMessage] = isSeed ? [.haveNone, .interested] : [.haveAll, .unchoke]
        for message in first { greeting += message.encoded }
        send(greeting)
    }

    private func send(_ bytes: [UInt8]) {
        now += .microseconds(200)
        if let wake, wake <= now {
            self.wake = nil
            take(session.wake(now: now))
        }
        take(session.receive(bytes.span, from: id, now: now))
    }

    private func take(_ actions: [SessionAction]) {
        for action in actions {
            switch action {
            case .send(_, let bytes): note(bytes)
            case .sendBlock(_, _, _, let range): written(PieceHeader.byteCount + range.count, blocks: 1)
            case .verify(let check): finished.append(check.piece)
            case .read(let read, _, _, _): reads.append(read)
            case .wake(let time): wake = time
            default: break
            }
        }
    }

    private var unconfirmed = 0

    private func written(_ count: Int, blocks count2: Int) {
        unconfirmed += count
        blocks += count2
    }

    /// Notes the requests among the messages, which all are 17 bytes long.
    private func note(_ bytes: [UInt8]) {
        unconfirmed += bytes.count
        var offset = 0
        while offset + 17 <= bytes.count {
            guard bytes[offset + 3] == 13, bytes[offset + 4] == PeerMessageID.request else {
                offset += offset == 0 && bytes[0] == 19 ? 68 : 4 + Int(bytes[offset + 3])
                continue
            }
            asked.append((Self.word(bytes, offset + 5), Int(Self.word(bytes, offset + 9)) / PieceStream.blockLength))
            offset += 17
        }
    }

    private static func word(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
        UInt32(bytes[offset]) << 24 | UInt32(bytes[offset + 1]) << 16 | UInt32(bytes[offset + 2]) << 8
            | UInt32(bytes[offset + 3])
    }

    /// Answers what was asked until the session asks no more: all its pieces have come.
    func serve() {
        while answered < asked.count {
            let count = min(Self.batch, asked.count - answered)
            for index in 0..<count {
                let (piece, block) = asked[answered + index]
                let start = index * (PieceStream.headerLength + PieceStream.blockLength)
                put(piece, at: start + 5)
                put(UInt32(block * PieceStream.blockLength), at: start + 9)
            }
            blocks += count
            answered += count
            if count == Self.batch {
                send(input)
            } else {
                send(Array(input.prefix(count * (PieceStream.headerLength + PieceStream.blockLength))))
            }
            settle()
        }
    }

    private func put(_ value: UInt32, at place: Int) {
        for byte in 0..<4 { input[place + byte] = UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * byte)) }
    }

    /// Asks for every block of these pieces, some at a time.
    func fetch(pieces: Int) {
        for piece in 0..<pieces {
            for first in stride(from: 0, to: Self.pieceLength / PieceStream.blockLength, by: Self.batch) {
                var requests: [UInt8] = []
                requests.reserveCapacity(Self.batch * 17)
                for block in first..<first + Self.batch {
                    let offset = UInt32(block * PieceStream.blockLength)
                    let range = BlockRange(piece: UInt32(piece), offset: offset, length: 16_384)
                    PeerMessage.request(range).encode(into: &requests)
                }
                send(requests)
                settle()
            }
        }
    }

    /// Does what the disk and the network would: every piece is right, every read and write succeeds.
    private func settle() {
        while !finished.isEmpty || !reads.isEmpty || unconfirmed > 0 {
            let (pieces, open, bytes) = (finished, reads, unconfirmed)
            (finished, reads, unconfirmed) = ([], [], 0)
            for piece in pieces { take(session.pieceFinished(piece, .stored(blockDigests: []), now: now)) }
            for read in open { take(session.readFinished(read, succeeded: true, now: now)) }
            if bytes > 0 { take(session.sent(id, bytes: bytes, now: now)) }
        }
    }
}

extension Suites {
    static func session() -> [Benchmark] {
        let pieces = 64
        let blocks = pieces * ScriptedPeer.pieceLength / PieceStream.blockLength
        return [
            Benchmark("session: a block comes, the next is picked and asked for", count: blocks) {
                let peer = ScriptedPeer(pieces: pieces, isSeed: false)
                peer?.serve()
                precondition(peer?.blocks == blocks, "not all blocks were asked for")
            },
            Benchmark("session: a block is asked for and sent", count: blocks) {
                let peer = ScriptedPeer(pieces: pieces, isSeed: true)
                peer?.fetch(pieces: pieces)
                precondition(peer?.blocks == blocks, "not all blocks were sent")
            },
        ]
    }
}
