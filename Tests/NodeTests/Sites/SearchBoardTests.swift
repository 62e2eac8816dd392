// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Feeds
import Keys
import Synchronization
import TestSupport
import Testing
import Wire

@testable import Node

@Suite struct SearchBoardTests {
    private static let site = Hash.sha256([1])

    @Test("who comes while nobody has answered waits for the search that runs, and gives it the peers it knows")
    func shared() async {
        let board = SearchBoard()
        let told = Mutex<[Endpoint]>([])
        guard case .lead(let id) = board.join(Self.site, peers: [], found: { peers in told.withLock { $0 += peers } })
        else {
            Issue.record("the first leads")
            return
        }
        let peer = Endpoint(.v4(0x7F00_0001), port: 7)
        guard case .follow(let results) = board.join(Self.site, peers: [peer], found: { _ in }) else {
            Issue.record("the second follows")
            return
        }
        #expect(told.withLock { $0 } == [peer])
        guard case .lead = board.join(Hash.sha256([2]), peers: [], found: { _ in }) else {
            Issue.record("another site is searched for beside it")
            return
        }
        board.end(Self.site, id, SearchResult(agreed: 3, answered: 4, isWhole: true))
        var agreed: [Int] = []
        for await result in results { agreed.append(result.agreed) }
        #expect(agreed == [3])
    }

    @Test(
        "a search whose first peer has answered is not joined, and one that was cut short leaves its followers to go on"
    )
    func closed() async {
        let board = SearchBoard()
        guard case .lead(let id) = board.join(Self.site, peers: [], found: { _ in }),
            case .follow(let results) = board.join(Self.site, peers: [], found: { _ in })
        else {
            Issue.record("the first leads, the second follows")
            return
        }
        board.close(Self.site, id)
        guard case .lead(let other) = board.join(Self.site, peers: [], found: { _ in }), other != id else {
            Issue.record("the third leads")
            return
        }
        board.end(Self.site, id, SearchResult(agreed: 1))
        for await _ in results { Issue.record("there is no result") }
        #expect(board.waiting(for: Self.site) == 0)
    }
}

@Suite struct ExtensionWireTests {
    private static let site = Hash.sha256([1])
    private static let (one, two) = (Hash.sha1([1]), Hash.sha1([2]))

    @Test("both handshakes open, in portions of any size, and payloads come out as they went in")
    func opens() throws {
        for portion in [1, 7, 68, 500] {
            var left = ExtensionWire(site: Self.site, ownID: Self.one)
            var right = ExtensionWire(site: Self.site, ownID: Self.two)
            #expect(
                try left.receive(right.hello(client: "b", listenPort: 7)) == [.opened(listenPort: 7, readsEarly: true)]
            )
            let bytes =
                left.hello(client: "a", listenPort: nil, early: [[4], [5, 6]]) + left.frame([1, 2, 3])
                + PeerMessage.keepAlive.encoded
            var events: [ExtensionWire.Event] = []
            for start in stride(from: 0, to: bytes.count, by: portion) {
                events += try right.receive(Array(bytes[start..<min(start + portion, bytes.count)]))
            }
            #expect(
                events == [.opened(listenPort: nil, readsEarly: true)]
                    + [[4], [5, 6], [1, 2, 3]].map { .payload($0) }
            )
        }
    }

    @Test("another site, ourselves, no extensions and any torrent message end the connection")
    func refuses() {
        var wire = ExtensionWire(site: Self.site, ownID: Self.one)
        let hello = wire.hello(client: "a", listenPort: nil)
        #expect(throws: ExtensionWire.Failure.ourselves) { try wire.receive(hello) }
        var other = ExtensionWire(site: Hash.sha256([2]), ownID: Self.two)
        #expect(throws: ExtensionWire.Failure.otherHash) { try other.receive(hello) }
        var plain = ExtensionWire(site: Self.site, ownID: Self.two)
        let handshake = Handshake(capabilities: [], hash: Self.site.truncated, peerID: Self.one)
        #expect(throws: ExtensionWire.Failure.noSuchExtension) { try plain.receive(handshake.encoded) }
        var noName = ExtensionWire(site: Self.site, ownID: Self.two)
        let able = Handshake(capabilities: .extensions, hash: Self.site.truncated, peerID: Self.one)
        let empty = PeerMessage.extended(id: 0, payload: ExtensionHandshake().encoded).encoded
        #expect(throws: ExtensionWire.Failure.noSuchExtension) { try noName.receive(able.encoded + empty) }
        var choked = ExtensionWire(site: Self.site, ownID: Self.two)
        #expect(throws: ExtensionWire.Failure.self) { try choked.receive(hello + PeerMessage.choke.encoded) }
    }

    @Test("random and damaged bytes never trap")
    func hostile() {
        var random = SplitMix64(seed: 11)
        for _ in 0..<2000 {
            var wire = ExtensionWire(site: Self.site, ownID: Self.two)
            var bytes = ExtensionWire(site: Self.site, ownID: Self.one).hello(client: "a", listenPort: 1)
            bytes += (0..<Int.random(in: 0...64, using: &random)).map { _ in .random(in: 0...255, using: &random) }
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            _ = try? wire.receive(bytes)
        }
    }
}
