// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import NIOCore
internal import NIOPosix
internal import Synchronization
internal import Testing
internal import Wire

@testable internal import Transport

private var hasIPv6: Bool {
    let devices = (try? System.enumerateDevices()) ?? []
    return devices.contains { $0.address.flatMap { Endpoint($0)?.address } == .v6(high: 0, low: 1) }
}

/// BEP 7: a tracker with addresses of both families hears of us in each, and no family waits for the other.
@Suite(.enabled(if: hasIPv6, "this machine has no IPv6")) struct TrackerFamiliesTests {
    private static let v4 = IPAddress.v4(0x7F00_0001)
    private static let v6 = IPAddress.v6(high: 0, low: 1)

    /// One tracker at one port of both families; `nil` says nothing.
    private func servers(four: String?, six: String?) async throws -> (RawServer, RawServer) {
        func answer(_ peers: String?) -> RawServer.Answer {
            { _ in peers.map { .ok("d8:intervali1800e\($0)e") } }
        }
        while true {
            let first = try await RawServer.start(at: Endpoint(Self.v4, port: 0), answer(four))
            do {
                let other = Endpoint(Self.v6, port: first.endpoint.port)
                return (first, try await RawServer.start(at: other, answer(six)))
            } catch {
                // Somebody has that port in the other family.
                await first.stop()
            }
        }
    }

    private func client() -> TrackerClient {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let resolver = TestResolver(names: ["tracker.test": ["::1", "127.0.0.1"]])
        return TrackerClient(dialer: HTTPDialer(loop: loop, resolver: resolver))
    }

    private func request() throws -> AnnounceRequest {
        AnnounceRequest(hash: .zero, peerID: .zero, port: 6881, key: 1)
    }

    @Test("BEP 7: one announce to each family of an HTTP tracker, and the peers of both")
    func both() async throws {
        let (four, six) = try await servers(
            four: "5:peers6:\u{7F}\u{0}\u{0}\u{1}\u{1A}a",
            six: "6:peers618:" + String(repeating: "\u{0}", count: 15) + "\u{1}\u{1A}a"
        )
        let client = client()
        let url = try four.url("/announce", host: "tracker.test")
        let answers = try await client.announce(to: url, request(), policy: .user).get()
        #expect(answers.count == 2)
        var peers: [Endpoint] = []
        var from: Set<IPAddress> = []
        for answer in answers {
            let answer = try await answer.get()
            from.insert(answer.server)
            peers += answer.reply.peers
        }
        #expect(from == [Self.v4, Self.v6])
        #expect(four.requests.count == 1 && six.requests.count == 1)
        #expect(!six.requests[0].contains("ipv4=") && !four.requests[0].contains("ipv6="))
        #expect(Set(peers.map(\.address)).isSubset(of: [Self.v4, Self.v6]))
        client.close()
        await four.stop()
        await six.stop()
    }

    @Test("Peers of one family are there while nobody answers in the other")
    func silence() async throws {
        let (four, six) = try await servers(four: "5:peers0:", six: nil)
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let resolver = TestResolver(names: ["tracker.test": ["::1", "127.0.0.1"]])
        let client = TrackerClient(dialer: HTTPDialer(loop: loop, resolver: resolver))
        let url = try four.url("/announce", host: "tracker.test")
        let answers = AsyncStream<IPAddress>.makeStream()
        let list = try await loop.submit {
            let announcer = TrackerAnnouncer(
                tiers: [[TrackerAddress(url: url, policy: .user)]],
                hashes: [.zero],
                isPrivate: false,
                client: client,
                makeRequest: { hash, event in
                    var request = AnnounceRequest(hash: hash, peerID: .zero, port: 6881, key: 1)
                    request.event = event
                    return request
                },
                onAnswer: { answers.continuation.yield($0.server) }
            )
            announcer.start(isComplete: false)
            return NIOLoopBound(announcer, eventLoop: loop)
        }.get()
        var iterator = answers.stream.makeAsyncIterator()
        #expect(await iterator.next() == Self.v4)
        // It counts as an answer of the tracker, though the other family is still waited for.
        #expect(try await loop.submit { list.value.status.first?.state == .working }.get())
        client.close()
        await four.stop()
        await six.stop()
    }
}
