// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Feeds
internal import NIOCore
internal import Synchronization
internal import Transport
internal import Wire

/// Brings a release to peers that keep sites for others, picked at random (S0-20): see `docs/protocols/push.md`.
struct Pusher: Sendable {
    let sites: SiteService
    let swarms: SwarmService
    /// Looks for keepers this long at most.
    var searchTime = Duration.seconds(20)
    /// Places of the DHT that are asked at the same time.
    private static let searchesAtATime = 8

    /// Pushes until `count` keepers hold all of the release, or nobody is left to ask. May be cancelled: what has been
    /// stored by then stays.
    func push(
        _ release: SiteRelease,
        to count: Int,
        report: @escaping @Sendable (NodeProgress) -> Void
    ) async -> PushReport {
        let offer = PushOffer(site: release.site, seq: release.release.seq, bytes: release.release.bytes)
        report(NodeProgress(stage: "finding keepers", done: 0, total: Int64(count), unit: "peers"))
        let keepers = await findKeepers()
        var round = PushRound(wanted: count)
        _ = round.found(keepers.keys.sorted { $0.description < $1.description })
        var random = SystemRandomNumberGenerator()
        var actions = round.begin(using: &random)
        await withTaskGroup(of: (Endpoint, Bool).self) { group in
            while true {
                for case .ask(let keeper) in actions {
                    let place = keepers[keeper] ?? PushSpecification.place(0)
                    group.addTask { (keeper, await self.offer(offer, to: keeper, at: place)) }
                }
                report(
                    NodeProgress(
                        stage: "pushing",
                        done: Int64(round.stored.count),
                        total: Int64(count),
                        unit: "peers"
                    )
                )
                guard !round.isDone, let (keeper, stored) = await group.next() else { break }
                actions = round.ended(keeper, stored: stored)
            }
            group.cancelAll()
        }
        return PushReport(
            wanted: count,
            stored: round.stored.count,
            found: round.known,
            refused: round.refused,
            peers: round.stored.map(\.description)
        )
    }

    // MARK: Finding

    /// All keepers that say so in the DHT, and where each was found.
    private func findKeepers() async -> [Endpoint: Digest160] {
        let found = FoundKeepers()
        await withTaskGroup(of: Void.self) { group in
            // What was found by then has to do.
            group.addTask { try? await Task.sleep(for: searchTime) }
            group.addTask {
                await sites.network.entered(within: searchTime)
                await searchPlaces(found)
            }
            await group.next()
            group.cancelAll()
        }
        return found.places
    }

    private func searchPlaces(_ found: FoundKeepers) async {
        let network = sites.network
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<PushSpecification.places {
                if number >= Self.searchesAtATime { await group.next() }
                let place = PushSpecification.place(number)
                group.addTask {
                    for await peers in network.peers(for: place) { found.add(peers, at: place) }
                }
            }
        }
    }

    // MARK: Offering

    /// Whether the keeper says that it holds all of it.
    private func offer(_ offer: PushOffer, to keeper: Endpoint, at place: Digest160) async -> Bool {
        let link = PushLink(to: keeper, on: sites.loop)
        let greeting = PushGreeting(sites, place: place)
        let connected = sites.sockets.connect(to: keeper, timeout: .seconds(5)) { channel in
            try channel.pipeline.syncOperations.addHandler(link.makeHandler(greeting))
        }
        connected.whenFailure { _ in link.close() }
        defer { link.close() }
        return await withTaskCancellationHandler {
            await follow(offer, link)
        } onCancel: {
            link.close()
        }
    }

    private func follow(_ offer: PushOffer, _ link: PushLink) async -> Bool {
        var progress = (bytes: Int64(-1), at: ContinuousClock.now)
        for await event in link.events {
            switch event {
            case .opened: link.send(.offer(offer))
            case .message(.accepted):
                link.allowSilence(of: PushSpecification.silence)
                // Where the keeper cannot reach us, we can reach it.
                sites.dial(link.remote, for: offer.site) { _ in }
            case .message(.progress(let bytes)):
                if progress.bytes < 0 { await swarms.bring(offer.site, to: link.remote) }
                if bytes > progress.bytes { progress = (bytes, .now) }
                guard .now - progress.at < PushSpecification.standstill else { return false }
                link.allowSilence(of: PushSpecification.silence)
            case .message(.stored(let seq)): return seq >= offer.seq
            case .message(.refused), .message(.offer): return false
            }
        }
        return false
    }
}

/// Keepers as they are found, from any thread. Memory: as many as ``PushRound`` looks at.
private final class FoundKeepers: Sendable {
    private let found = Mutex<[Endpoint: Digest160]>([:])

    var places: [Endpoint: Digest160] { found.withLock { $0 } }

    func add(_ peers: [Endpoint], at place: Digest160) {
        found.withLock { found in
            for peer in peers where found.count < PushRound.maximumKeepers { found[peer] = place }
        }
    }
}
