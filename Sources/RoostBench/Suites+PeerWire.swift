// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Wire

extension Suites {
    static func peerWire() -> [Benchmark] {
        let count = 64
        var requests: [UInt8] = []
        for block in 0..<count {
            let range = BlockRange(piece: 1, offset: UInt32(block * 16_384), length: 16_384)
            requests += PeerMessage.request(range).encoded
        }
        var blocks: [UInt8] = []
        for block in 0..<16 {
            blocks += PieceStream.header(piece: 1, block: block) + [UInt8](repeating: 1, count: PieceStream.blockLength)
        }
        let (requested, received) = (requests, blocks)
        return [
            Benchmark("peer wire: parse, a request among 64", count: count) { parseAll(requested) },
            Benchmark("peer wire: parse, a block of 16 KiB among 16", count: 16) { parseAll(received) },
            Benchmark("peer wire: write, a request") {
                keep(PeerMessage.request(BlockRange(piece: 1, offset: 16_384, length: 16_384)).encoded)
            },
        ]
    }

    private static func parseAll(_ bytes: [UInt8]) {
        var parser = PeerMessageParser(limits: .init(bitfieldBytes: 128))
        var offset = 0
        while let event = try? parser.next(bytes.span, offset: &offset) { keep(event) }
    }
}

/// The peer's side of a stream of pieces.
enum PieceStream {
    static let blockLength = 16_384
    static let headerLength = 13

    static func header(piece: UInt32, block: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: UInt32(9 + blockLength))
        bytes.append(PeerMessageID.piece)
        bytes.append(bigEndian: piece)
        bytes.append(bigEndian: UInt32(block * blockLength))
        return bytes
    }
}
