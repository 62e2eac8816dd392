// SPDX-License-Identifier: Apache-2.0
internal import Wire

@testable internal import BitTorrent

/// The machine behind a web seed, told everything that a server can answer (BEP 17, BEP 19).
struct WebSeedTrial: ~Copyable {
    private var seed: WebSeed
    private let torrent: Metainfo
    private var now = Duration.zero
    private var ordered: Int64 = 0
    private var delivered: Int64 = 0

    static func run(_ bytes: [UInt8]) throws {
        var input = FuzzInput(bytes)
        guard var trial = WebSeedTrial(&input) else { return }
        for _ in 0..<48 where !input.isAtEnd { try trial.step(&input) }
    }

    private init?(_ input: inout FuzzInput) {
        let kind: WebSeedKind = input.byte() & 1 == 0 ? .files : .pieces
        torrent = FuzzTarget.samples[input.choice(FuzzTarget.samples.count)]
        guard let base = ServiceURL("http://seed.example/a/"),
            let layout = WebSeedLayout(kind, base: base, metainfo: torrent)
        else { return nil }
        seed = WebSeed(kind, layout: layout)
    }

    private mutating func step(_ input: inout FuzzInput) throws {
        now += .milliseconds(Int(input.byte()) * 40)
        switch input.choice(6) {
        case 0: try fetch(&input)
        case 1: try take(seed.connected(now: now))
        case 2: try take(began(&input))
        case 3: try take(seed.received(Int(input.short()), bytes: input.take(4), now: now))
        case 4: try take(seed.ended(now: now))
        default:
            let flags = input.byte()
            try take(
                flags & 1 == 0
                    ? seed.closed(isForbidden: flags & 2 != 0, isSlow: flags & 4 != 0, now: now) : seed.wake(now: now)
            )
        }
    }

    private mutating func fetch(_ input: inout FuzzInput) throws {
        let all = Int32(torrent.pieceMap.pieceCount)
        let first = Int32(input.byte()) % all
        let pieces = PieceIndex(first)..<PieceIndex(min(all, first + 1 + Int32(input.choice(3))))
        for piece in pieces.lowerBound.raw..<pieces.upperBound.raw {
            ordered += Int64(torrent.pieceMap.length(of: PieceIndex(piece)))
        }
        try take(seed.fetch(pieces, now: now))
    }

    private mutating func began(_ input: inout FuzzInput) -> [WebSeed.Action] {
        let statuses = [200, 206, 206, 206, 301, 302, 307, 403, 404, 416, 429, 500, 503, 204]
        let flags = input.byte()
        let start = Int64(input.word()) << (flags & 8 == 0 ? 0 : 31)
        let length = Int64(input.word()) << (flags & 8 == 0 ? 0 : 31)
        return seed.began(
            status: statuses[input.choice(statuses.count)],
            length: flags & 1 == 0 ? nil : length,
            range: flags & 2 == 0 ? nil : (start, max(1, length)),
            location: flags & 4 == 0 ? nil : ServiceURL("http://other.example/b/\(flags)"),
            retryAfter: flags & 16 == 0 ? nil : Int(input.short()),
            isPlain: flags & 32 == 0,
            now: now
        )
    }

    private mutating func take(_ actions: [WebSeed.Action]) throws {
        for action in actions {
            switch action {
            case .deliver(let count), .zeros(let count):
                try hold(count > 0, "what is delivered is something")
                delivered += Int64(count)
            case .skip(let count): try hold(count > 0, "what is skipped is something")
            case .request(_, let range):
                try hold(range.map { !$0.isEmpty && $0.lowerBound >= 0 } ?? true, "ranges hold bytes")
            default: break
            }
        }
        try hold(delivered <= ordered, "no more is delivered than was asked for: \(delivered) of \(ordered)")
    }
}
