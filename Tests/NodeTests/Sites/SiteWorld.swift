// SPDX-License-Identifier: Apache-2.0
import Feeds
import Kademlia
import Keys
import Synchronization
import Wire

@testable import Node

/// A DHT of one table that all nodes of a test share.
final class SiteWorld: Sendable {
    private struct State {
        var peers: [Digest160: [Endpoint]] = [:]
        var items: [Digest160: MutableItem] = [:]
        var puts = 0
        /// Every item that was taken, in order.
        var taken: [MutableItem] = []
        var lookups: [Digest160: Int] = [:]
        /// Lookups that wait while the network is slow; nil while it is not.
        var waiting: [@Sendable () -> Void]?
    }

    private let state = Mutex(State())

    func add(_ peer: Endpoint, under hash: Digest160) {
        state.withLock { state in
            if state.peers[hash]?.contains(peer) != true { state.peers[hash, default: []].append(peer) }
        }
    }

    func remove(_ peer: Endpoint, under hash: Digest160) {
        state.withLock { $0.peers[hash]?.removeAll { $0 == peer } }
    }

    func peers(under hash: Digest160) -> [Endpoint] { state.withLock { $0.peers[hash] ?? [] } }
    func item(under key: PublicKey) -> MutableItem? { state.withLock { $0.items[SitePointer.target(of: key)] } }
    func item(at target: Digest160) -> MutableItem? { state.withLock { $0.items[target] } }
    var taken: [MutableItem] { state.withLock { $0.taken } }
    var puts: Int { state.withLock { $0.puts } }

    /// How often peers were looked for under a hash.
    func lookups(of hash: Digest160) -> Int { state.withLock { $0.lookups[hash] ?? 0 } }

    /// Counts a lookup and has it answered: at once, or when the network is quick again.
    func lookUp(_ hash: Digest160, _ answer: @escaping @Sendable () -> Void) {
        let isSlow = state.withLock { state in
            state.lookups[hash, default: 0] += 1
            state.waiting?.append(answer)
            return state.waiting != nil
        }
        if !isSlow { answer() }
    }

    func becomeSlow() { state.withLock { $0.waiting = [] } }

    func becomeQuick() {
        let waiting = state.withLock { state in
            defer { state.waiting = nil }
            return state.waiting ?? []
        }
        for answer in waiting { answer() }
    }

    /// Two hours pass: nodes of the DHT keep items and announces no longer.
    func forgetAll() {
        state.withLock { state in
            state.peers = [:]
            state.items = [:]
        }
    }

    /// By the rules of BEP 44. Returns what stands in its way.
    func put(_ item: MutableItem) -> MutableItem? {
        state.withLock { state in
            state.puts += 1
            if let known = state.items[item.target], known.sequence >= item.sequence, known != item { return known }
            state.items[item.target] = item
            state.taken.append(item)
            return nil
        }
    }
}

/// One node's access to a ``SiteWorld``.
final class TestSiteNetwork: SiteNetwork {
    let world: SiteWorld
    private let own: Mutex<Endpoint?> = Mutex(nil)

    init(world: SiteWorld) {
        self.world = world
    }

    func listens(on endpoint: Endpoint) { own.withLock { $0 = endpoint } }

    func peers(for hash: Digest160) -> AsyncStream<[Endpoint]> {
        let own = own.withLock { $0 }
        let peers = world.peers(under: hash).filter { $0 != own }
        return AsyncStream(bufferingPolicy: .bufferingOldest(1)) { continuation in
            world.lookUp(hash) {
                if !peers.isEmpty { continuation.yield(peers) }
                continuation.finish()
            }
        }
    }

    func readItem(key: PublicKey, salt: [UInt8]) async -> MutableItem? {
        world.item(at: SitePointer.target(of: key, salt: salt))
    }

    func putOnce(_ item: MutableItem) async -> SitePutReport {
        let newer = world.put(item)
        return SitePutReport(stored: newer == nil ? 1 : 0, newer: newer)
    }

    func announceHolding(_ hash: Digest160, isSeed: Bool) async -> Bool {
        guard let own = own.withLock({ $0 }) else { return false }
        world.add(own, under: hash)
        return true
    }

    func endAnnouncing(_ hash: Digest160) async {
        if let own = own.withLock({ $0 }) { world.remove(own, under: hash) }
    }

    func growthEvents() -> AsyncStream<Void> { AsyncStream(bufferingPolicy: .bufferingNewest(1)) { _ in } }
}
