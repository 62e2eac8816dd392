// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import TestSupport
internal import Testing
internal import Wire

@Suite struct TrackerListTests {
    private let hash = Digest160([UInt8](repeating: 1, count: 20)) ?? .zero
    private let twin = Digest160([UInt8](repeating: 2, count: 20)) ?? .zero

    /// The machine with what it asked for last.
    private final class Run {
        struct Announce: Equatable {
            var id: TrackerRequestID
            var host: String
            var hash: Digest160
            var event: AnnounceEvent
            var trackerID: [UInt8]?
        }

        var list: TrackerList
        var asked: [Announce] = []
        var wakeTime: Duration?
        var hasStopped = false

        init(_ tiers: [[String]], _ hashes: [Digest160], isPrivate: Bool = false, seed: UInt64 = 1) {
            let urls = tiers.map { $0.compactMap { ServiceURL("http://\($0)/announce") } }
            list = TrackerList(tiers: urls, hashes: hashes, isPrivate: isPrivate, seed: seed, now: .zero)
        }

        func perform(_ actions: [TrackerList.Action]) {
            asked = []
            wakeTime = nil
            for action in actions {
                switch action {
                case .announce(let id, let url, let hash, let event, let trackerID):
                    asked.append(Announce(id: id, host: url.host, hash: hash, event: event, trackerID: trackerID))
                case .wake(let time): wakeTime = time
                case .stopped: hasStopped = true
                }
            }
        }

        func wake(_ now: Duration) { perform(list.wake(now: now)) }
        func reply(_ announce: Announce, _ reply: AnnounceReply = AnnounceReply(), _ now: Duration = .zero) {
            perform(list.replied(announce.id, reply, now: now))
        }
        func fail(_ announce: Announce, _ error: TrackerError = .timeout, _ now: Duration = .zero) {
            perform(list.failed(announce.id, error, now: now))
        }
    }

    private func reply(interval: Int, minimum: Int? = nil) -> AnnounceReply {
        var reply = AnnounceReply()
        reply.interval = .seconds(interval)
        reply.minimumInterval = minimum.map { .seconds($0) }
        return reply
    }

    @Test("BEP 12: tiers in order, each shuffled; what works moves to the front of its tier and is asked first again")
    func promotion() {
        let run = Run([["a", "b", "c"], ["d"]], [hash], isPrivate: true, seed: 3)
        run.wake(.zero)
        var order = [run.asked[0].host]
        run.fail(run.asked[0])
        order.append(run.asked[0].host)
        run.fail(run.asked[0])
        order.append(run.asked[0].host)
        #expect(Set(order) == ["a", "b", "c"], "the first tier is tried before the second")
        run.reply(run.asked[0], reply(interval: 100))
        #expect(run.asked.isEmpty)
        #expect(run.wakeTime == .seconds(100))
        run.wake(.seconds(100))
        #expect(run.asked.map(\.host) == [order[2]])
        #expect(run.asked.map(\.event) == [.none])
        run.fail(run.asked[0], .timeout, .seconds(100))
        #expect(run.asked.map(\.event) == [.started], "another tracker has not heard of us")
        let shuffled = Set(
            (0..<20 as Range<UInt64>).map { (seed: UInt64) in
                let other = Run([["a", "b", "c"]], [hash], seed: seed)
                other.wake(.zero)
                return other.asked[0].host
            }
        )
        #expect(shuffled.count == 3)
    }

    @Test("A public torrent announces to one tracker of each tier, a private one to one in all (BEP 27)")
    func tiers() {
        let open = Run([["a", "b"], ["c"], ["d"]], [hash])
        open.wake(.zero)
        #expect(open.asked.count == 3)
        let closed = Run([["a", "b"], ["c"], ["d"]], [hash], isPrivate: true)
        closed.wake(.zero)
        #expect(closed.asked.count == 1)
        closed.wake(.zero)
        #expect(closed.asked.isEmpty)
    }

    @Test("A hybrid is announced under both of its hashes, each for itself")
    func hybrid() {
        let run = Run([["a"]], [hash, twin])
        run.wake(.zero)
        #expect(run.asked.map(\.hash) == [hash, twin])
        let both = run.asked
        run.fail(both[1], .refused("unregistered torrent", retry: nil))
        run.reply(both[0], reply(interval: 600))
        run.wake(.seconds(100))
        #expect(run.asked.map(\.hash) == [twin])
        #expect(run.asked.map(\.event) == [.started])
    }

    @Test("Started, completed and stopped are said once to each tracker that knows of us, and to no other")
    func events() {
        let run = Run([["a"], ["b"]], [hash])
        run.wake(.zero)
        let first = run.asked
        #expect(first.map(\.event) == [.started, .started])
        run.reply(first[0], reply(interval: 600))
        run.fail(first[1])
        run.perform(run.list.completed(now: .seconds(10)))
        #expect(run.asked.map(\.event) == [.completed])
        #expect(run.asked.map(\.host) == ["a"])
        run.reply(run.asked[0], reply(interval: 600), .seconds(10))
        run.perform(run.list.completed(now: .seconds(11)))
        #expect(run.asked.isEmpty)
        run.perform(run.list.stop(now: .seconds(12)))
        #expect(run.asked.map(\.event) == [.stopped])
        #expect(!run.hasStopped)
        run.fail(run.asked[0])
        #expect(run.hasStopped)
        run.wake(.seconds(10_000))
        #expect(run.asked.isEmpty)
    }

    @Test("What was complete from the start is not completed; a completion during an announce follows it")
    func completion() {
        let seed = Run([["a"]], [hash])
        seed.list.wasComplete()
        seed.wake(.zero)
        seed.reply(seed.asked[0])
        #expect(seed.asked.isEmpty)
        let run = Run([["a"]], [hash])
        run.wake(.zero)
        let started = run.asked[0]
        run.perform(run.list.completed(now: .zero))
        #expect(run.asked.isEmpty)
        run.reply(started)
        #expect(run.asked.map(\.event) == [.completed])
    }

    @Test("BEP 21: each announce of a partial seed says paused")
    func partialSeed() {
        let run = Run([["a"]], [hash])
        run.wake(.zero)
        run.list.isPartialSeed = true
        run.reply(run.asked[0], reply(interval: 60))
        for round in 1...3 {
            run.wake(.seconds(60 * round))
            #expect(run.asked.map(\.event) == [.paused])
            run.reply(run.asked[0], reply(interval: 60), .seconds(60 * round))
        }
    }

    @Test("The tracker id goes back to who gave it")
    func trackerID() {
        let run = Run([["a"]], [hash])
        run.wake(.zero)
        var answer = reply(interval: 60)
        answer.trackerID = [1, 2]
        run.reply(run.asked[0], answer)
        run.wake(.seconds(60))
        #expect(run.asked.map(\.trackerID) == [[1, 2]])
    }

    @Test("A torrent short of peers asks at the minimum interval, and no earlier")
    func shortOfPeers() {
        let run = Run([["a"]], [hash])
        run.wake(.zero)
        run.reply(run.asked[0], reply(interval: 1800, minimum: 120))
        run.perform(run.list.setShortOfPeers(true, now: .seconds(5)))
        #expect(run.asked.isEmpty)
        #expect(run.wakeTime == .seconds(120))
        run.wake(.seconds(120))
        #expect(run.asked.count == 1)
    }

    @Test("When all trackers fail the pauses double up to an hour; BEP 31 can lengthen or end them")
    func backOff() throws {
        let run = Run([["a"]], [hash])
        var now = Duration.zero
        var pauses: [Duration] = []
        for _ in 0..<10 {
            run.wake(now)
            run.fail(try #require(run.asked.first), .timeout, now)
            let next = try #require(run.wakeTime)
            pauses.append(next - now)
            now = next
        }
        #expect(pauses[0] >= .seconds(30) && pauses[0] <= .seconds(38))
        #expect(zip(pauses, pauses.dropFirst()).prefix(6).allSatisfy { $1 > $0 })
        #expect(pauses.allSatisfy { $0 <= .seconds(4500) })
        run.wake(now)
        run.fail(run.asked[0], .refused("", retry: .after(.seconds(14_000))), now)
        #expect(run.wakeTime == now + .seconds(14_000))
        run.wake(now + .seconds(14_000))
        run.fail(run.asked[0], .refused("no tracker", retry: .never), now)
        run.wake(now + .seconds(1_000_000))
        #expect(run.asked.isEmpty)
        let message = run.list.status[0].message
        #expect(message == "no tracker")
    }

    @Test("256 trackers are kept and 16 asked at once, doubles left out")
    func bounds() {
        let many = (0..<400).map { ["t\($0)"] } + [["t0"]]
        let run = Run(many, [hash, twin])
        run.wake(.zero)
        #expect(run.asked.count == TrackerList.maximumRequests)
        let count = run.list.status.count
        #expect(count == TrackerList.maximumTrackers)
        var seen = 0
        var open = run.asked
        while let next = open.popLast() {
            seen += 1
            run.reply(next, reply(interval: 3600))
            open += run.asked
        }
        #expect(seen == 512)
        run.perform(run.list.stop(now: .zero))
        #expect(run.asked.count == TrackerList.maximumRequests)
    }
}
