// SPDX-License-Identifier: Apache-2.0
import NIOHTTP1
import Node
import Synchronization
import Testing

@testable import Gateway

@Suite struct LookingForPeersTests {
    private let site = ContentHarness.site

    /// Moves when it is told to.
    private final class TestClock: Sendable {
        private let time = Mutex(ContinuousClock.now)
        var now: ContinuousClock.Instant { time.withLock { $0 } }
        func advance(by duration: Duration) { time.withLock { $0 += duration } }
    }

    @Test("While nothing is found a person gets 503, Retry-After and a live page, soon")
    func live() async throws {
        let node = NodeDouble.with(["a": "x"])
        node.state.withLock { $0.missing[site] = .some(nil) }
        try await ContentHarness.run(node, configure: { $0.pagePatience = .milliseconds(20) }) {
            (gateway: ContentHarness) async throws in
            let answer = try await gateway.send("/", ContentHarness.typed)
            #expect(answer.status == 503)
            #expect(answer["Retry-After"] == "3")
            #expect(answer["Cache-Control"] == "no-store")
            #expect(answer.text.contains("asking the &lt;DHT&gt;"))
        }
        #expect(node.cancelled == 1)
    }

    @Test("What the live page waits for answers as soon as the page is there")
    func wait() async throws {
        let node = NodeDouble.with(["a b.txt": "x"])
        try await ContentHarness.run(node) { (gateway: ContentHarness) async throws in
            let own = ["Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"]
            #expect(try await gateway.send("/.roost/wait?%2Fa%2520b.txt", own).status == 204)
            #expect(try await gateway.send("/.roost/wait?%2F..%2F", own).status == 400)
            #expect(try await gateway.send("/.roost/wait?%2F.roost%2Fwait", own).status == 400)
            let activity = try await gateway.send("/.roost/activity", own)
            #expect(activity.text.contains("\"peersKnown\":3"))
        }
    }

    @Test("The live page looks again where a search ends at once: a node that has just begun knows nobody to ask")
    func waitsOn() async throws {
        let node = NodeDouble.with(["a.txt": "x"])
        node.state.withLock {
            $0.missing[site] = .milliseconds(1)
            $0.known = [site]
        }
        let configure: (inout GatewayConfiguration) -> Void = { $0.searchPause = .milliseconds(5) }
        try await ContentHarness.run(node, configure: configure) { (gateway: ContentHarness) async throws in
            let own = ["Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"]
            async let answer = gateway.send("/.roost/wait?%2Fa.txt", own)
            while node.network.count < 3 { try await Task.sleep(for: .milliseconds(5)) }
            node.state.withLock { $0.missing[site] = nil }
            #expect(try await answer.status == 204)
        }
    }

    @Test("Other origins can neither wait nor watch, and a site that was never opened has nothing to watch")
    func watching() async throws {
        let node = NodeDouble.with(["a": "x"])
        try await ContentHarness.run(node) { (gateway: ContentHarness) async throws in
            for path in ["/.roost/wait?%2Fa", "/.roost/activity"] {
                #expect(try await gateway.send(path, ContentHarness.foreignPart).status == 403)
                #expect(try await gateway.send(path, host: gateway.host(ContentHarness.other)).status == 403)
            }
        }
        #expect(node.network.isEmpty)
    }

    @Test("A page that reloads itself ends with 504 once nobody answered for the whole patience")
    func gaveUp() async throws {
        let node = NodeDouble.with(["a": "x"])
        node.state.withLock { $0.missing[site] = .some(nil) }
        let clock = TestClock()
        let configure: (inout GatewayConfiguration) -> Void = {
            $0.pagePatience = .milliseconds(20)
            $0.patience = .seconds(60)
            $0.now = { clock.now }
        }
        try await ContentHarness.run(node, configure: configure) { (gateway: ContentHarness) async throws in
            for seconds in [0, 20, 20, 18] {
                clock.advance(by: .seconds(seconds))
                #expect(try await gateway.send("/", ContentHarness.typed).status == 503)
            }
            clock.advance(by: .seconds(2))
            #expect(try await gateway.send("/", ContentHarness.typed).status == 504)
        }
    }

    @Test("S4-62: where only an impostor answers, the live page and the one that gives up say that it was refused")
    func impostor() async throws {
        let node = NodeDouble.with(["a": "x"])
        node.state.withLock {
            $0.missing[site] = .some(nil)
            $0.impostors = 1
        }
        let refused = "It was refused: its key or its signatures are not those of this address."
        try await ContentHarness.run(node, configure: { $0.pagePatience = .milliseconds(20) }) {
            (gateway: ContentHarness) async throws in
            let live = try await gateway.send("/", ContentHarness.typed).text
            #expect(live.contains(refused) && !live.contains("id=\"impostors\" hidden"))
        }
        try await ContentHarness.run(node, configure: { $0.patience = .milliseconds(60) }) {
            (gateway: ContentHarness) async throws in
            let last = try await gateway.send("/a")
            #expect(last.status == 504)
            #expect(last.text.contains("Only an impostor answered") && last.text.contains(refused))
            node.state.withLock { $0.impostors = 0 }
            #expect(!(try await gateway.send("/a").text.contains(refused)))
        }
    }

    @Test("A program waits for the whole patience and gets 504")
    func program() async throws {
        let node = NodeDouble.with(["a": "x"])
        node.state.withLock { $0.missing[site] = .some(nil) }
        try await ContentHarness.run(node, configure: { $0.patience = .milliseconds(50) }) {
            (gateway: ContentHarness) async throws in
            #expect(try await gateway.send("/a").status == 504)
        }
    }

    @Test("A body whose next bytes do not come ends the connection instead of a wrong end")
    func cutBody() async throws {
        let node = NodeDouble.with(["a.bin": String(repeating: "x", count: 300_000)])
        node.state.withLock {
            $0.remote = [site]
            $0.chunk = 1000
            $0.stallsAt = 5000
        }
        // On a busy machine the first bytes, too, may take longer than a short patience: that is a 504 and shows nothing.
        let isCut = Mutex(false)
        for patience in [2, 8, 32] where !isCut.withLock({ $0 }) {
            try await ContentHarness.run(node, configure: { $0.patience = .seconds(patience) }) {
                (gateway: ContentHarness) async throws in
                do {
                    let status = try await gateway.send("/a.bin").status
                    #expect(status == 504)
                } catch {
                    isCut.withLock { $0 = true }
                }
            }
        }
        #expect(isCut.withLock { $0 })
    }

    @Test("A reader who leaves ends the fetch of what it was reading")
    func leaves() async throws {
        let node = NodeDouble.with(["a.bin": String(repeating: "x", count: 300_000)])
        node.state.withLock {
            $0.remote = [site]
            $0.chunk = 1000
            $0.stallsAt = 5000
        }
        try await ContentHarness.run(node) { (gateway: ContentHarness) async throws in
            try await GatewayClient.with(port: gateway.port) { client in
                client.start(.init(method: .GET, target: "/a.bin", host: gateway.host()))
                while !node.network.contains("read 5000") { try await Task.sleep(for: .milliseconds(5)) }
            }
            while node.cancelled == 0 { try await Task.sleep(for: .milliseconds(5)) }
        }
        #expect(node.cancelled == 1)
    }
}
