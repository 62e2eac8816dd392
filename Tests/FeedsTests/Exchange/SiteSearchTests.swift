// SPDX-License-Identifier: Apache-2.0
import Feeds
import Keys
import Testing
import Wire

@Suite struct SiteSearchTests {
    private static func peers(_ range: Range<UInt16>) -> [Endpoint] {
        range.map { Endpoint(.v4(0x7F00_0001), port: $0) }
    }

    @Test("eight peers are dialled at a time, each once, and no more than 64 in all")
    func bounds() {
        var search = SiteSearch(searches: 1)
        var dialled: [Endpoint] = []
        var actions = search.found(Self.peers(1..<200) + Self.peers(1..<200))
        #expect(actions.count == SiteSearch.parallelDials)
        while let action = actions.first, case .dial(let endpoint) = action {
            actions.removeFirst()
            dialled.append(endpoint)
            actions += search.ended(endpoint, .unreachable)
        }
        #expect(dialled == Self.peers(1..<65))
        #expect(search.searchEnded() == [.finish])
    }

    @Test("the first proof starts a moment for the others, and a dead peer does not prolong it")
    func settles() {
        var search = SiteSearch(searches: 1)
        let peers = Self.peers(1..<4)
        _ = search.found(peers)
        #expect(search.ended(peers[0], .agreed) == [.wait(.brief), .wait(.moment)])
        #expect(search.ended(peers[1], .agreed).isEmpty)
        #expect(search.passed(.brief).isEmpty)
        #expect(search.passed(.moment) == [.finish])
        #expect(search.isDone && !search.isCutShort && search.agreed == 2)
        #expect(search.found(Self.peers(9..<12)).isEmpty)
        #expect(search.timeIsUp().isEmpty)
    }

    @Test("once all who were asked have answered only a brief pause is left for finding more, however long that takes")
    func brief() {
        let peers = Self.peers(1..<3)
        for answersFirst in [true, false] {
            var search = SiteSearch(searches: 1)
            _ = search.found(peers)
            _ = search.ended(peers[0], .agreed)
            if answersFirst {
                #expect(search.ended(peers[1], .behind).isEmpty)
                #expect(search.passed(.brief) == [.finish])
            } else {
                #expect(search.passed(.brief).isEmpty)
                #expect(search.ended(peers[1], .behind) == [.finish])
            }
        }
    }

    @Test("a pointer to a state that nobody has proved yet prolongs the wait, once, until somebody proves it")
    func promise() {
        let (old, new) = (Hash.sha256([1]), Hash.sha256([2]))
        let peers = Self.peers(1..<4)
        var search = SiteSearch(searches: 2)
        _ = search.found(peers)
        search.promises(new)
        _ = search.ended(peers[0], .agreed, head: old)
        #expect(search.passed(.brief).isEmpty)
        #expect(search.passed(.moment) == [.wait(.promise)])
        var kept = search
        #expect(kept.ended(peers[1], .agreed, head: new) == [.finish])
        #expect(search.ended(peers[1], .behind, head: old).isEmpty)
        #expect(search.passed(.promise) == [.finish])
    }

    @Test("a search that ran out of time says so")
    func cutShort() {
        var search = SiteSearch(searches: 1)
        _ = search.found(Self.peers(1..<2))
        #expect(search.timeIsUp() == [.finish])
        #expect(search.isCutShort)
    }

    @Test("a search ends at once when everybody has answered and nobody else will be found")
    func nobodyLeft() {
        var search = SiteSearch(searches: 2)
        #expect(search.searchEnded().isEmpty)
        let peers = Self.peers(1..<2)
        #expect(search.found(peers) == [.dial(peers[0])])
        #expect(search.searchEnded().isEmpty)
        #expect(search.ended(peers[0], .behind) == [.finish])
        #expect(search.answered == 1 && search.agreed == 0)
    }
}
