// SPDX-License-Identifier: Apache-2.0
import Node
import Synchronization
import Testing
import Wire

@testable import Gateway

@Suite struct ContentMachineTests {
    private let start = ContinuousClock.now
    private let origin = ContentHost(site: ContentHarness.site)

    private func release(_ sequence: UInt64) -> ReleaseReference {
        ReleaseReference(site: ContentHarness.site.hex, sequence: sequence, label: "")
    }

    @Test("The release before stands in for 60 s after the move, and not longer")
    func grace() {
        let releases = Mutex(OriginReleases())
        #expect(releases.withLock { $0.release(of: origin, now: start) } == nil)
        releases.withLock { $0.navigated(origin, to: release(1), now: start) }
        #expect(releases.withLock { $0.previous(of: origin, now: start) } == nil)
        releases.withLock { $0.navigated(origin, to: release(2), now: start + .seconds(10)) }
        // Going to the same release again does not prolong it.
        releases.withLock { $0.navigated(origin, to: release(2), now: start + .seconds(50)) }
        #expect(releases.withLock { $0.release(of: origin, now: start) } == release(2))
        #expect(releases.withLock { $0.previous(of: origin, now: start + .seconds(69)) } == release(1))
        #expect(releases.withLock { $0.previous(of: origin, now: start + .seconds(70)) } == nil)
    }

    @Test("Origins are bounded: the one unused longest goes")
    func originBound() {
        let releases = Mutex(OriginReleases())
        let hosts = (0...UInt64(OriginReleases.capacity)).map { ContentHost(site: ContentHarness.site, sequence: $0) }
        for (index, host) in hosts.enumerated() {
            releases.withLock { $0.navigated(host, to: release(1), now: start + .seconds(index)) }
        }
        #expect(releases.withLock { $0.release(of: hosts[0], now: start) } == nil)
        #expect(releases.withLock { $0.release(of: hosts[1], now: start) } != nil)
    }

    @Test("A search ends after the whole patience, begins anew after it, and is forgotten when nobody asks")
    func searches() {
        let clock = Mutex(SearchClock())
        let site = ContentHarness.site
        let patience = Duration.seconds(60)
        func miss(_ began: Int, _ now: Int) -> SearchClock.Outcome {
            clock.withLock {
                $0.missed(site, began: start + .seconds(began), now: start + .seconds(now), patience: patience)
            }
        }
        for second in stride(from: 0, to: 56, by: 4) { #expect(miss(second, second + 2) == .stillLooking) }
        #expect(miss(58, 60) == .gaveUp)
        #expect(miss(61, 63) == .stillLooking)
        // Silence from 63 to 100.
        #expect(miss(100, 102) == .stillLooking)
        #expect(miss(125, 127) == .stillLooking)
        clock.withLock { $0.found(site) }
        #expect(miss(150, 170) == .stillLooking)
        #expect(miss(0, 0) == .stillLooking)
    }

    @Test("A question is answered once, for its own site, within ten minutes")
    func consents() {
        let consents = Mutex(OpenConsents())
        let site = ContentHarness.site
        let token = consents.withLock { $0.asked(site, random: [1], now: start) }
        #expect(!consents.withLock { $0.answered(ContentHarness.other, token: token, now: start) })
        #expect(consents.withLock { $0.answered(site, token: token, now: start + .seconds(599)) })
        #expect(!consents.withLock { $0.answered(site, token: token, now: start) })
        let late = consents.withLock { $0.asked(site, random: [2], now: start) }
        #expect(!consents.withLock { $0.answered(site, token: late, now: start + .seconds(600)) })
        let first = consents.withLock { $0.asked(site, random: [3], now: start) }
        for index in 0..<OpenConsents.capacity {
            _ = consents.withLock {
                $0.asked(site, random: [4, UInt8(index & 255), UInt8(index >> 8)], now: start + .seconds(1))
            }
        }
        #expect(!consents.withLock { $0.answered(site, token: first, now: start) })
    }

    @Test(
        "The type follows the name, then the first bytes",
        arguments: [
            ("a.html", "<p>", "text/html; charset=utf-8"), ("a.HTML", "<meta charset=iso-8859-1>", "text/html"),
            ("a.css", "", "text/css; charset=utf-8"), ("a.mjs", "", "text/javascript; charset=utf-8"),
            ("a.svg", "", "image/svg+xml"), ("a.mp4", "", "video/mp4"),
            ("a", " \n<!DOCTYPE HTML>", "text/html; charset=utf-8"),
            ("a", "plain", "text/plain; charset=utf-8"), ("a", "\u{1}\u{2}", "application/octet-stream"),
            ("a.unknown", "%PDF-1.7", "application/pdf"),
            ("a", "<script>alert(1)</script>", "text/plain; charset=utf-8"),
            ("a", "    ftypisom", "video/mp4"),
        ]
    )
    func types(name: String, prefix: String, type: String) {
        #expect(ContentType.of(name: name, prefix: Array(prefix.utf8)) == type)
    }
}
