// SPDX-License-Identifier: Apache-2.0
internal import Kademlia
internal import Synchronization
internal import Wire

/// What a search ended with, for all who waited for it.
struct SearchResult: Sendable {
    /// How many peers proved the newest state, and how many answered.
    var agreed = 0
    var answered = 0
    /// The newest pointer that was read.
    var item: MutableItem?
    /// False where its caller had no more time or was cancelled: somebody who has more goes on.
    var isWhole = false
}

/// The searches that run, so that callers who want the same site at the same time share one.
///
/// One is joined until its first peer has answered: who comes later may know of something newer than that peer said.
/// Thread-safe. Memory: a stream for each caller that waits.
final class SearchBoard: Sendable {
    /// What one caller does.
    enum Part: Sendable {
        /// Search, and say what came of it with ``end(_:_:_:)``.
        case lead(id: UInt64)
        /// Wait for the one who searches. Ends without a result where that one gave up.
        case follow(AsyncStream<SearchResult>)
    }

    private struct Search {
        var id: UInt64
        var found: @Sendable ([Endpoint]) -> Void
        var waiting: [AsyncStream<SearchResult>.Continuation] = []
        var isOpen = true
    }

    private struct State {
        var searches: [Digest256: [Search]] = [:]
        var next: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Takes part in the search for a site.
    ///
    /// - Parameters:
    ///   - site: what is wanted.
    ///   - peers: asked by whoever searches.
    ///   - found: takes the peers of those who follow, where this caller leads.
    /// - Returns: what this caller does.
    func join(_ site: Digest256, peers: [Endpoint], found: @escaping @Sendable ([Endpoint]) -> Void) -> Part {
        let (part, tell) = state.withLock { state -> (Part, (@Sendable ([Endpoint]) -> Void)?) in
            if let index = state.searches[site]?.firstIndex(where: \.isOpen) {
                let (stream, sink) = AsyncStream.makeStream(of: SearchResult.self, bufferingPolicy: .bufferingNewest(1))
                state.searches[site]?[index].waiting.append(sink)
                return (.follow(stream), state.searches[site]?[index].found)
            }
            state.next += 1
            state.searches[site, default: []].append(Search(id: state.next, found: found))
            return (.lead(id: state.next), nil)
        }
        if !peers.isEmpty { tell?(peers) }
        return part
    }

    /// How many wait for a search of this site.
    func waiting(for site: Digest256) -> Int {
        state.withLock { $0.searches[site]?.reduce(0) { $0 + $1.waiting.count } ?? 0 }
    }

    /// A peer has answered: nobody else joins.
    func close(_ site: Digest256, _ id: UInt64) {
        state.withLock { state in
            guard let index = state.searches[site]?.firstIndex(where: { $0.id == id }) else { return }
            state.searches[site]?[index].isOpen = false
        }
    }

    func end(_ site: Digest256, _ id: UInt64, _ result: SearchResult) {
        let waiting = state.withLock { state -> [AsyncStream<SearchResult>.Continuation] in
            guard let index = state.searches[site]?.firstIndex(where: { $0.id == id }) else { return [] }
            let search = state.searches[site]?.remove(at: index)
            if state.searches[site]?.isEmpty == true { state.searches[site] = nil }
            return search?.waiting ?? []
        }
        for sink in waiting {
            if result.isWhole { sink.yield(result) }
            sink.finish()
        }
    }
}
