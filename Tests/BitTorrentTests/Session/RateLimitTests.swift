// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable import BitTorrent

@Suite("Rate limits")
struct RateLimitTests {
    @Test("Over many seconds exactly the rate passes, whatever the portions", arguments: [1024, 50_000, 3_000_000])
    func rate(bytesPerSecond: Int) {
        let limit = RateLimit(bytesPerSecond: bytesPerSecond)
        var passed = 0
        for step in 0..<6000 {
            let now = Duration.milliseconds(step * 10)
            while [limit].take(16_384, now: now) == nil { passed += 16_384 }
        }
        #expect(passed >= bytesPerSecond * 59)
        #expect(passed <= bytesPerSecond * 61 + 2 * 16_384)
    }

    @Test("It says when it is open again, and is open then")
    func opening() throws {
        let limit = RateLimit(bytesPerSecond: 100_000)
        var now = Duration.zero
        while [limit].take(16_384, now: now) == nil {}
        for _ in 0..<100 {
            let opens = try #require([limit].take(16_384, now: now))
            #expect(opens > now && opens - now < .milliseconds(500))
            now = opens
            let waits = [limit].take(16_384, now: now)
            #expect(waits == nil)
            while [limit].take(16_384, now: now) == nil {}
        }
    }

    @Test("Without a limit nothing is counted; of two the narrower holds, and a pause saves up little")
    func several() {
        let (wide, narrow, none) = (RateLimit(bytesPerSecond: 1 << 20), RateLimit(bytesPerSecond: 10_000), RateLimit())
        #expect([none].take(1 << 30, now: .zero) == nil)
        var passed = 0
        for second in 0..<20 {
            // An hour of silence between the tenth second and the next.
            let now = Duration.seconds(second < 10 ? second : 3600 + second)
            while [wide, narrow, none].take(1000, now: now) == nil { passed += 1000 }
        }
        #expect(passed <= 20 * 10_000 + 2 * 16_384)
    }

    @Test("A session keeps to its download and upload limits, and completes")
    func sessions() throws {
        let sample = try SampleContent(.v1, sizes: [1_000_000], pieceLength: 32_768)
        for isDownload in [true, false] {
            let limit = RateLimit(bytesPerSecond: 200_000)
            let limits = isDownload ? SessionLimits(download: [limit]) : SessionLimits(upload: [limit])
            let seed = SimulatedPeer(1, sample, isSeed: true, limits: isDownload ? SessionLimits() : limits)
            let leecher = SimulatedPeer(2, sample, isSeed: false, limits: isDownload ? limits : SessionLimits())
            let network = SimulatedNetwork([seed, leecher])
            leecher.update { $0.add(peers: [seed.address], now: $1) }
            #expect(network.run(3000, step: .milliseconds(5)) { leecher.events.contains(.complete) })
            let seconds = Double(network.now.components.seconds) + Double(network.now.components.attoseconds) / 1e18
            #expect(seconds > 4.4 && seconds < 7)
        }
    }

    @Test("Two sessions that share a limit get it together")
    func shared() throws {
        let sample = try SampleContent(.v1, sizes: [500_000], pieceLength: 32_768)
        let limit = RateLimit(bytesPerSecond: 200_000)
        let seed = SimulatedPeer(1, sample, isSeed: true)
        let leechers = (2...3).map {
            SimulatedPeer($0, sample, isSeed: false, limits: SessionLimits(download: [limit]))
        }
        let network = SimulatedNetwork([seed] + leechers)
        for leecher in leechers { leecher.update { $0.add(peers: [seed.address], now: $1) } }
        #expect(network.run(3000) { leechers.allSatisfy { $0.events.contains(.complete) } })
        #expect(network.now > .milliseconds(4400))
    }
}
