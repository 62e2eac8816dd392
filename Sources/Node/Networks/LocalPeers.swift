// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import NIOCore
internal import Swarm
internal import Synchronization
internal import Transport
internal import Wire

/// Peers of the local network (BEP 14): what this node announces is announced there too, and searches find who does the same.
///
/// Memory: for each hash at most ``maximumPeers`` addresses, of at most as many hashes as are announced or searched.
final class LocalPeers: Sendable {
    static let maximumPeers = 32
    /// How long somebody is remembered: two announcements of others may be lost.
    static let memory = Duration.seconds(900)
    /// How long a search goes on being announced, so that holders who hear it may answer.
    static let interest = Duration.seconds(300)

    /// How long answers are waited for where nobody else is found.
    static let answerTime = Duration.seconds(3)

    private struct State {
        var announced: Set<Digest160> = []
        /// Searched, until then.
        var sought: [Digest160: ContinuousClock.Instant] = [:]
        var heard: [Digest160: [Endpoint: ContinuousClock.Instant]] = [:]
        var searches: [Int: (hash: Digest160, found: AsyncStream<[Endpoint]>.Continuation)] = [:]
        var next = 0
    }

    /// One for each family.
    private let services: [LocalDiscoveryService]
    private let state: Mutex<State>

    private init(services: [LocalDiscoveryService]) {
        self.services = services
        state = Mutex(State())
    }

    /// Peers that are heard of go to the torrent of `swarm` that they are for, at once.
    static func start(listens: [Endpoint], loop: any EventLoop, swarm: Swarm) -> LocalPeers {
        let holder = WeakHolder()
        let services = listens.map { listen in
            LocalDiscoveryService(listen: listen, loop: loop) { hash, endpoint in
                guard Self.believes(endpoint) else { return }
                swarm.torrent(hash)?.add(peers: [endpoint], source: .lsd)
                holder.peers?.heard(endpoint, of: hash)
            }
        }
        let peers = LocalPeers(services: services)
        holder.set(peers)
        for service in services { service.start() }
        return peers
    }

    /// Whoever is heard names itself, but what it says of its port is its word: see ``Wire/AddressPolicy``.
    static func believes(_ endpoint: Endpoint) -> Bool { AddressPolicy.named(by: endpoint.address).admits(endpoint) }

    /// The service is made before who listens to it.
    private final class WeakHolder: Sendable {
        private struct Reference { weak var peers: LocalPeers? }
        private let reference = Mutex(Reference())

        var peers: LocalPeers? { reference.withLock { $0.peers } }
        func set(_ peers: LocalPeers) { reference.withLock { $0.peers = peers } }
    }

    func announce(_ hash: Digest160) {
        state.withLock { _ = $0.announced.insert(hash) }
        for service in services { service.announce(hash) }
    }

    func withdraw(_ hash: Digest160) {
        let isSought = state.withLock { state in
            state.announced.remove(hash)
            return state.sought[hash] != nil
        }
        if !isSought { withdrawEverywhere(hash) }
    }

    /// Who is known, then who is heard of while `search`, another search for the same, lasts.
    func peers(for hash: Digest160, beside search: AsyncStream<[Endpoint]>) -> AsyncStream<[Endpoint]> {
        let now = ContinuousClock.now
        let (stream, continuation) = AsyncStream.makeStream(of: [Endpoint].self, bufferingPolicy: .bufferingOldest(64))
        let (number, known) = state.withLock { state -> (Int, [Endpoint]) in
            state.next += 1
            state.searches[state.next] = (hash, continuation)
            state.sought[hash] = now + Self.interest
            return (state.next, (state.heard[hash] ?? [:]).filter { now - $0.value < Self.memory }.map(\.key))
        }
        for service in services { service.announce(hash) }
        if !known.isEmpty { continuation.yield(known) }
        // BRIDGE: relays one search for as long as somebody reads it; the end of either ends the task.
        let relay = Task {
            var isAlone = known.isEmpty
            for await peers in search {
                continuation.yield(peers)
                isAlone = false
            }
            // Where the other search knows nobody, holders near us get the time to answer.
            if isAlone { try? await Task.sleep(until: now + Self.answerTime) }
            continuation.finish()
        }
        continuation.onTermination = { [weak self] _ in
            relay.cancel()
            self?.ended(number)
        }
        return stream
    }

    private func ended(_ number: Int) {
        let now = ContinuousClock.now
        let over = state.withLock { state -> [Digest160] in
            state.searches[number] = nil
            let over = state.sought.filter { $0.value < now && !state.announced.contains($0.key) }.map(\.key)
            for hash in over {
                state.sought[hash] = nil
                state.heard[hash] = nil
            }
            return over
        }
        for hash in over { withdrawEverywhere(hash) }
    }

    private func withdrawEverywhere(_ hash: Digest160) {
        for service in services { service.withdraw(hash) }
    }

    private func heard(_ endpoint: Endpoint, of hash: Digest160) {
        let now = ContinuousClock.now
        let waiting = state.withLock { state -> [AsyncStream<[Endpoint]>.Continuation] in
            var known = (state.heard[hash] ?? [:]).filter { now - $0.value < Self.memory }
            guard known[endpoint] != nil || known.count < Self.maximumPeers else { return [] }
            known[endpoint] = now
            state.heard[hash] = known
            return state.searches.values.filter { $0.hash == hash }.map(\.found)
        }
        for continuation in waiting { continuation.yield([endpoint]) }
    }

    /// Over how many interfaces the local network is spoken to.
    func interfaceCount() async -> Int {
        var count = 0
        for service in services { count += await service.interfaceCount() }
        return count
    }

    func shutdown() async {
        for service in services { await service.shutdown() }
    }
}
