// SPDX-License-Identifier: Apache-2.0
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import BitTorrent

/// A web seed's machine with what it did last.
private final class Run {
    var seed: WebSeed
    let metainfo: Metainfo
    private(set) var actions: [WebSeed.Action] = []

    init(_ kind: WebSeedKind = .files, _ torrent: TorrentKind = .v1, sizes: [Int] = [40_000, 3_000_000, 32_768]) throws
    {
        metainfo = try SampleContent(torrent, sizes: sizes).metainfo
        let base = try #require(ServiceURL("http://h/"))
        seed = WebSeed(kind, layout: try #require(WebSeedLayout(kind, base: base, metainfo: metainfo)))
    }

    func fetch(_ pieces: Range<Int32>? = nil) {
        let all = 0..<Int32(metainfo.pieceMap.pieceCount)
        let range = pieces ?? all
        actions = seed.fetch(PieceIndex(range.lowerBound)..<PieceIndex(range.upperBound), now: .zero)
    }

    func connect() { actions = seed.connected(now: .zero) }
    func close(isSlow: Bool = false) { actions = seed.closed(isSlow: isSlow, now: .zero) }
    func end() { actions = seed.ended(now: .zero) }
    func receive(_ count: Int, _ bytes: [UInt8] = []) { actions = seed.received(count, bytes: bytes, now: .zero) }
    func wake(_ now: Duration) { actions = seed.wake(now: now) }

    func answer(
        _ status: Int,
        length: Int64? = nil,
        range: (start: Int64, length: Int64)? = nil,
        location: String? = nil,
        retryAfter: Int? = nil,
        isPlain: Bool = true
    ) {
        actions = seed.began(
            status: status,
            length: length,
            range: range,
            location: location.flatMap { ServiceURL($0) },
            retryAfter: retryAfter,
            isPlain: isPlain,
            now: .zero
        )
    }

    /// The ranges asked for.
    var requests: [Range<Int64>?] {
        actions.compactMap { if case .request(_, let range) = $0 { .some(range) } else { nil } }
    }
    var delivered: Int { actions.reduce(0) { if case .deliver(let count) = $1 { $0 + count } else { $0 } } }
    var retirement: WebSeed.Retirement? {
        actions.compactMap { if case .retire(let reason) = $0 { reason } else { nil } }.first
    }
    var connects: [String] { actions.compactMap { if case .connect(let url, _) = $0 { url.description } else { nil } } }
    var wakeTime: Duration? { actions.compactMap { if case .wake(let time) = $0 { time } else { nil } }.last }
}

@Suite struct WebSeedTests {
    @Test(
        "One connection: the first file is asked for, then as many as the pipeline takes; whole files without a range"
    )
    func pipeline() throws {
        let run = try Run(sizes: Array(repeating: 20_000, count: 12))
        run.fetch()
        #expect(run.connects.count == 1)
        run.connect()
        #expect(run.requests == [nil])
        run.answer(200, length: 20_000)
        #expect(run.requests.isEmpty)
        run.receive(20_000)
        #expect(run.delivered == 20_000)
        run.end()
        #expect(run.requests.count == WebSeed.pipeline)
        run.answer(200, length: 20_000)
        run.receive(20_000)
        run.end()
        #expect(run.requests.count == 1)
    }

    @Test("A run of pieces is one request for each file, and its answer must be that range")
    func ranges() throws {
        let run = try Run()
        run.fetch(4..<8)
        run.connect()
        let pieceLength = Int64(run.metainfo.pieceLength)
        let start = 4 * pieceLength - 40_000
        let range = start..<start + 4 * pieceLength
        #expect(run.requests == [range])
        run.answer(206, length: 4 * pieceLength, range: (start, 4 * pieceLength))
        run.receive(1000)
        #expect(run.actions == [.deliver(1000)])
        for wrong: (start: Int64, length: Int64)? in [
            nil, (0, 4 * pieceLength), (start, 10), (start + 1, 4 * pieceLength),
        ] {
            let other = try Run()
            other.fetch(4..<8)
            other.connect()
            other.answer(206, range: wrong)
            #expect(other.retirement == .malformed)
        }
        let coded = try Run()
        coded.fetch(4..<8)
        coded.connect()
        coded.answer(206, range: (start, 4 * pieceLength), isPlain: false)
        #expect(coded.retirement == .malformed)
    }

    @Test(
        "A closed connection is made again and asked for the rest, three times; then the seed is left in peace for longer and longer"
    )
    func reconnect() throws {
        let run = try Run()
        run.fetch(4..<8)
        run.connect()
        let range = try #require(run.requests[0])
        run.answer(206, range: (range.lowerBound, range.upperBound - range.lowerBound))
        run.receive(1000)
        run.close()
        #expect(run.connects.count == 1)
        run.connect()
        #expect(run.requests == [range.lowerBound + 1000..<range.upperBound])
        run.close()
        run.close()
        #expect(run.actions.contains(.fail(lacks: nil)))
        #expect(run.actions.contains(.setReady(false)))
        #expect(run.wakeTime == .seconds(5))
        run.wake(.seconds(4))
        #expect(run.actions.isEmpty)
        run.wake(.seconds(5))
        #expect(run.actions == [.setReady(true)])
        run.fetch(4..<8)
        for _ in 0..<3 { run.close() }
        #expect(run.wakeTime == .seconds(10))
        let slow = try Run()
        slow.fetch(4..<8)
        slow.connect()
        slow.close(isSlow: true)
        #expect(slow.actions.contains(.setReady(false)))
    }

    @Test(
        "429 and 503 are obeyed: Retry-After within bounds, or BEP 17's seconds in the body",
        arguments: [(7, 7), (0, 1), (999_999, 3600)]
    )
    func retryAfter(seconds: Int, expected: Int) throws {
        for status in [429, 503] {
            let run = try Run()
            run.fetch(0..<1)
            run.connect()
            run.answer(status, retryAfter: seconds)
            #expect(run.wakeTime == .seconds(expected))
        }
        let program = try Run(.pieces)
        program.fetch(0..<1)
        program.connect()
        program.answer(503)
        program.receive(6, Array("\(seconds)".utf8))
        program.end()
        #expect(program.wakeTime == .seconds(expected))
    }

    @Test("A missing file's pieces are no longer asked of the seed; one that has none of the files is of no use")
    func missing() throws {
        let run = try Run()
        run.fetch()
        run.connect()
        run.answer(404)
        let failures: [Range<PieceIndex>] = run.actions.compactMap {
            if case .fail(let lacks) = $0 { lacks } else { nil }
        }
        let lacks = try #require(failures.first)
        #expect(lacks.lowerBound.raw == 0)
        #expect(Int(lacks.upperBound.raw) == run.metainfo.pieceMap.pieces(file: 0).upperBound)
        let single = try Run(sizes: [100_000])
        single.fetch()
        single.connect()
        single.answer(404)
        #expect(single.retirement == .empty)
        let refused = try Run()
        refused.fetch()
        refused.connect()
        refused.answer(401)
        #expect(refused.retirement == .status(401))
    }

    @Test("A redirect is followed for the file and remembered, five times at most, to HTTP only")
    func redirects() throws {
        let run = try Run()
        run.fetch(4..<8)
        for number in 1...5 {
            run.connect()
            run.answer(302, location: "http://m\(number)/x")
            #expect(run.connects == ["http://m\(number)/x"])
            #expect(run.actions.contains { if case .connect(_, false) = $0 { true } else { false } })
        }
        run.connect()
        run.answer(302, location: "http://m6/x")
        #expect(run.retirement == .badRedirect)
        let none = try Run()
        none.fetch()
        none.connect()
        none.answer(301, location: "gopher://h/")
        #expect(none.retirement == .badRedirect)
        let kept = try Run()
        kept.fetch(4..<5)
        kept.connect()
        kept.answer(302, location: "http://m/x")
        kept.connect()
        let range = try #require(kept.requests[0])
        kept.answer(206, range: (range.lowerBound, range.upperBound - range.lowerBound))
        kept.receive(Int(range.upperBound - range.lowerBound))
        kept.end()
        kept.fetch(5..<6)
        #expect(kept.actions.contains { if case .request(let url, _) = $0 { url.host == "m" } else { false } })
    }

    @Test("A server without ranges is read on as long as it fits, and otherwise at most 1 MiB of a file is thrown away")
    func noRanges() throws {
        let run = try Run(sizes: [3_000_000])
        run.fetch(0..<2)
        run.connect()
        run.answer(200, length: 3_000_000)
        run.fetch(2..<4)
        #expect(run.requests.isEmpty)
        let pieceLength = run.metainfo.pieceLength
        run.receive(3 * pieceLength)
        #expect(run.delivered == 3 * pieceLength, "the second run follows from the same answer")
        run.receive(2 * pieceLength)
        #expect(run.delivered == pieceLength)
        #expect(run.actions.contains(.disconnect))
        run.fetch(1..<2)
        run.connect()
        run.answer(200, length: 3_000_000)
        run.receive(10)
        #expect(run.actions == [.skip(10)])
        let far = try Run(sizes: [3_000_000])
        far.fetch(Int32(2_000_000 / pieceLength)..<Int32(2_000_000 / pieceLength) + 1)
        far.connect()
        far.answer(200, length: 3_000_000)
        #expect(far.retirement == .noRanges)
        let other = try Run(sizes: [3_000_000])
        other.fetch(0..<2)
        other.connect()
        other.answer(200, length: 2_999_999)
        #expect(other.retirement == .malformed)
    }

    @Test(
        "Any order of events ends in bounds, never traps, and delivers no more than was asked for",
        arguments: 1...30 as ClosedRange<UInt64>
    )
    func chaos(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let run = try Run(
            seed.isMultiple(of: 3) ? .pieces : .files,
            seed.isMultiple(of: 2) ? .hybrid : .v1,
            sizes: [40_000, 100_000, 5]
        )
        let count = Int32(run.metainfo.pieceMap.pieceCount)
        var asked = 0
        var delivered = 0
        for _ in 0..<300 {
            switch Int.random(in: 0..<9, using: &random) {
            case 0:
                let first = Int32.random(in: 0..<count, using: &random)
                let last = Int32.random(in: first..<count, using: &random)
                for raw in first...last { asked += run.metainfo.pieceMap.dataLength(of: PieceIndex(raw)) }
                run.fetch(first..<last + 1)
            case 1: run.connect()
            case 2: run.close(isSlow: Bool.random(using: &random))
            case 3: run.end()
            case 4: run.wake(.seconds(Int.random(in: 0..<10_000, using: &random)))
            case 5, 6: run.receive(Int.random(in: 0..<70_000, using: &random), random.bytes(4))
            default:
                let status = [200, 206, 206, 302, 404, 416, 500, 503, 0, 999].randomElement(using: &random) ?? 200
                run.answer(
                    status,
                    length: [nil, 5, 40_000, -1, .max].randomElement(using: &random) ?? nil,
                    range: [nil, (0, 16_384), (0, 40_000), (.max, .max)].randomElement(using: &random) ?? nil,
                    location: ["http://m/", "http://h/x"].randomElement(using: &random),
                    retryAfter: [nil, 0, .max].randomElement(using: &random) ?? nil
                )
            }
            delivered += run.delivered
            #expect(run.actions.count <= WebSeed.pipeline + 8)
        }
        #expect(delivered <= asked)
    }
}
