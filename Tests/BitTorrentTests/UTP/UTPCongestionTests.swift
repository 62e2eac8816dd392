// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import TestSupport
import Testing
import Wire

@Suite("uTP leaves room for others")
struct UTPCongestionTests {
    /// A TCP-like sender in the same queue: additive increase, halving at loss (Reno, RFC 5681), acknowledgements in time.
    private struct Competitor {
        var window = 10.0
        var slowStart = true
        var underWay = 0
        var delivered = 0
        /// Arrival times of its packets; a lost one is noticed when the next arrives.
        var flights: [Int64] = []
        var lastCut: Int64 = 0
        /// Where a receive window or a send buffer ends its growth.
        var largest = Double.infinity
        /// What is left of the window after a loss, and packets that it grows by in a round trip.
        var rest = 0.5
        var growth = 1.0

        /// CUBIC where round trips are short (RFC 9438 §4.3).
        static var cubic: Competitor {
            var cubic = Competitor()
            (cubic.rest, cubic.growth) = (0.7, 0.53)
            return cubic
        }

        mutating func cut(_ now: Int64, roundTrip: Int64) {
            guard now - lastCut > roundTrip else { return }
            lastCut = now
            window = max(2, window * rest)
            slowStart = false
        }
    }

    /// Bytes that uTP and its competitor deliver in a time through one queue.
    private static func shares(
        rate: Double,
        queue: Int,
        delay: Int64,
        seconds: Int64,
        withCompetitor: Bool,
        head: Int64 = 0,
        largest: Double = .infinity,
        competitor: Competitor = Competitor(),
        isAlone: Bool = true
    ) throws -> (utp: Int, tcp: Int, mostQueued: Int64) {
        let world = UTPWorld(seed: 31)
        var link = UTPLink()
        link.rate = rate
        link.queue = queue
        link.delay = delay
        var back = UTPLink()
        back.delay = delay
        let left = world.add(UTPHost(1, seed: 2), link)
        let right = world.add(UTPHost(2, seed: 3, clock: 123_456), back)
        var competitor = competitor
        competitor.largest = largest
        while world.now < 1_000_000 + head {
            send(&competitor, world, left.endpoint)
            world.run(for: 1000)
        }
        let id = try #require(world.dial(left, right))
        while left.streams[id]?.isOpen != true {
            if !isAlone { send(&competitor, world, left.endpoint) }
            world.run(for: 1000)
        }
        left.write(id, Array(repeating: 0, count: Int(rate * Double(seconds) * 1_200_000)))
        world.send(left)
        let start = world.now
        let end = start + seconds * 1_000_000
        // uTP has the path to itself for a second, or has not; then both count.
        while world.now < start + 1_000_000 {
            if !isAlone { send(&competitor, world, left.endpoint) }
            world.run(for: 1000)
        }
        let before = right.streams.values.first?.incoming.count ?? 0
        competitor.delivered = 0
        var mostQueued: Int64 = 0
        while world.now < end {
            if withCompetitor { send(&competitor, world, left.endpoint) }
            let free = world.links[left.endpoint]?.free ?? 0
            if world.now > start + 2_000_000 { mostQueued = max(mostQueued, Int64(free) - world.now) }
            world.run(for: 1000)
        }
        return ((right.streams.values.first?.incoming.count ?? 0) - before, competitor.delivered, mostQueued)
    }

    /// A transfer that has begun, with nobody else on the path; `link` is the same both ways.
    private static func alone(
        on link: UTPLink,
        writing count: Int
    ) throws -> (world: UTPWorld, left: UTPHost, right: UTPHost, id: UTPConnectionID) {
        let world = UTPWorld(seed: 41)
        let left = world.add(UTPHost(1, seed: 4), link)
        let right = world.add(UTPHost(2, seed: 5, clock: 123_456), link)
        let id = try #require(world.dial(left, right))
        world.run(for: 2_000_000) { left.streams[id]?.isOpen == true }
        left.write(id, Array(repeating: 0, count: count))
        world.send(left)
        return (world, left, right, id)
    }

    private static func send(_ competitor: inout Competitor, _ world: UTPWorld, _ path: Endpoint) {
        let returnDelay = world.links[path]?.delay ?? 0
        while let first = competitor.flights.first, first + returnDelay <= world.now {
            competitor.flights.removeFirst()
            competitor.delivered += 1460
            competitor.window += competitor.slowStart ? 1 : competitor.growth / competitor.window
            competitor.window = min(competitor.window, competitor.largest)
        }
        while Double(competitor.flights.count) < competitor.window {
            var random = world.random
            let arrivals = world.links[path]?.arrivals(1460, now: world.now, random: &random) ?? []
            world.random = random
            guard let arrival = arrivals.first else {
                competitor.cut(world.now, roundTrip: 2 * returnDelay + 20_000)
                break
            }
            competitor.flights.append(arrival)
        }
    }

    @Test("RFC 6817 §2.1: alone, it fills the path and adds no more delay than the target")
    func fillsThePath() throws {
        // 20 Mbit/s, 20 ms each way, a queue of a second.
        let shares = try Self.shares(rate: 2.5, queue: 2_500_000, delay: 20_000, seconds: 15, withCompetitor: false)
        #expect(Double(shares.utp) >= 0.85 * 14 * 2_500_000, "delivered \(shares.utp)")
        #expect(shares.mostQueued <= 150_000, "queued \(shares.mostQueued) µs")
    }

    @Test("BEP 29: beside a TCP flow it takes less than a tenth", arguments: [2_500_000, 600_000])
    func yields(queue: Int) throws {
        // 20 Mbit/s, 10 ms each way; queues of 1 s and of 240 ms, both longer than the target.
        let shares = try Self.shares(rate: 2.5, queue: queue, delay: 10_000, seconds: 25, withCompetitor: true)
        let whole = Double(shares.utp + shares.tcp)
        #expect(Double(shares.tcp) >= 0.9 * whole, "uTP \(shares.utp), TCP \(shares.tcp)")
        #expect(whole >= 0.8 * 24 * 2_500_000)
    }

    @Test(
        "LEDBAT++ §4.4: coming after a TCP flow that fills the queue, it takes less than a tenth",
        arguments: [2_500_000, 600_000]
    )
    func comesLater(queue: Int) throws {
        let shares = try Self.shares(
            rate: 2.5,
            queue: queue,
            delay: 10_000,
            seconds: 20,
            withCompetitor: true,
            head: 10_000_000
        )
        let whole = Double(shares.utp + shares.tcp)
        #expect(Double(shares.tcp) >= 0.9 * whole, "uTP \(shares.utp), TCP \(shares.tcp)")
    }

    @Test(
        "Coming after a TCP flow that its windows hold, so that the queue is never empty and nothing is lost, it takes less than a tenth",
        arguments: [100.0, 250]
    )
    func comesToStandingQueue(packets: Double) throws {
        // 20 Mbit/s, 10 ms each way: 35 packets are under way without a queue. 100 and 250 wait 38 and 126 ms.
        let shares = try Self.shares(
            rate: 2.5,
            queue: 2_500_000,
            delay: 10_000,
            seconds: 30,
            withCompetitor: true,
            head: 5_000_000,
            largest: packets
        )
        let whole = Double(shares.utp + shares.tcp)
        #expect(Double(shares.tcp) >= 0.9 * whole, "uTP \(shares.utp), TCP \(shares.tcp)")
        #expect(whole >= 0.8 * 29 * 2_500_000)
    }

    @Test(
        "Decision 0017: it adds no more than half of the path's round trip, so that the path stays usable for who measures it"
    )
    func followsThePath() throws {
        let shares = try Self.shares(rate: 2.5, queue: 2_500_000, delay: 20_000, seconds: 12, withCompetitor: false)
        #expect(shares.mostQueued <= 40_000, "queued \(shares.mostQueued) µs")
    }

    @Test(
        "LEDBAT++ §4.4: two round trips after the first climb, and later every ten seconds or so, it leaves the path for two"
    )
    func slowsDown() throws {
        var link = UTPLink()
        (link.rate, link.queue, link.delay) = (2.5, 2_500_000, 20_000)
        let (world, left, _, id) = try Self.alone(on: link, writing: 70_000_000)
        var slowdowns: [Int64] = []
        var isSlow = true
        let start = world.now
        while world.now < start + 25_000_000 {
            world.run(for: 5000)
            let window = left.multiplexer.statistics(id)?.window ?? 0
            if window <= 3000, !isSlow { slowdowns.append((world.now - start) / 1000) }
            isSlow = window <= 3000
        }
        #expect(slowdowns.count == 3, "at \(slowdowns) ms")
        #expect((slowdowns.first ?? .max) < 2000, "at \(slowdowns) ms")
        #expect(
            zip(slowdowns, slowdowns.dropFirst()).allSatisfy { $1 - $0 > 9000 && $1 - $0 < 13_000 },
            "at \(slowdowns) ms"
        )
    }

    @Test("The target is below the length of a short queue, and TCP keeps most of it")
    func shortQueue() throws {
        // 20 Mbit/s with a queue of 40 ms: the delay never reaches 100 ms.
        let shares = try Self.shares(rate: 2.5, queue: 100_000, delay: 10_000, seconds: 25, withCompetitor: true)
        let whole = Double(shares.utp + shares.tcp)
        #expect(Double(shares.tcp) >= 0.75 * whole, "uTP \(shares.utp), TCP \(shares.tcp)")
    }

    @Test(
        "Coming after a TCP flow that keeps a queue of 20 ms full, and moves the delay by no more than 6 ms, it takes less than a tenth",
        arguments: [900_000, 1_500_000]
    )
    func comesToShortFullQueue(phase: Int64) throws {
        // 100 Mbit/s, and next to no way.
        let shares = try Self.shares(
            rate: 12.5,
            queue: 250_000,
            delay: 200,
            seconds: 12,
            withCompetitor: true,
            head: 3_000_000 + phase,
            competitor: .cubic,
            isAlone: false
        )
        let whole = Double(shares.utp + shares.tcp)
        #expect(Double(shares.tcp) >= 0.9 * whole, "uTP \(shares.utp), TCP \(shares.tcp)")
    }

    @Test(
        "A free path is not taken for a full one, though runs queue behind themselves: the target stays half of the round trip"
    )
    func freePath() throws {
        var link = UTPLink()
        (link.rate, link.queue, link.delay) = (5, 1_000_000, 25_000)
        let (world, left, right, id) = try Self.alone(on: link, writing: 100_000_000)
        world.run(for: 14_000_000)
        // After the first climb, and after that behind the slowdown.
        #expect(left.multiplexer.statistics(id)?.targetDelay ?? 0 >= 25_000)
        let arrived = right.streams.values.first?.incoming.count ?? 0
        #expect(Double(arrived) >= 0.75 * 14 * 5_000_000, "delivered \(arrived)")
    }
}
