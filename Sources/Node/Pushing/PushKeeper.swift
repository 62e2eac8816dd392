// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Logging
internal import NIOCore
internal import Storage
internal import Swarm
internal import Synchronization
internal import Wire

/// Keeps sites that others push here, where this node's user allows that: see `docs/protocols/push.md`.
///
/// Memory: ``KeeperRules/maximumAtATime`` fetches, and ``waiting`` connections that wait to be judged.
final class PushKeeper: Sendable {
    static let waiting = 64

    private let context: NodeContext
    private let sites: SiteService
    private let keeping: KeepingService
    private let listener: SwarmListener
    private let rules = Mutex(KeeperRules())
    private let used = Mutex<(bytes: Int64, at: ContinuousClock.Instant)?>(nil)
    private let enqueue = JobQueue<PushLink>(bound: PushKeeper.waiting)
    /// Where this node can be found as a keeper.
    let place: Digest160

    init(context: NodeContext, sites: SiteService, keeping: KeepingService, listener: SwarmListener) {
        self.context = context
        self.sites = sites
        self.keeping = keeping
        self.listener = listener
        // Drawn anew at each start, with the peer id: keepers spread over the places by themselves.
        place = PushSpecification.place(Int(sites.peerID.bytes.last ?? 0) % PushSpecification.places)
    }

    /// Works until cancelled.
    func run() async throws {
        await withDiscardingTaskGroup { group in
            group.addTask {
                await self.standReady()
                self.enqueue.finish()
            }
            for await link in enqueue.jobs {
                group.addTask { await self.receive(link) }
            }
        }
    }

    // MARK: Being found

    /// Whether this node keeps for others now; both settings may change while it runs.
    private var isOpen: Bool {
        context.configuration.effectiveServe == .quota && context.configuration.effectiveAcceptPushes
    }

    private func standReady() async {
        var (isListening, isAnnounced) = (false, false)
        while !Task.isCancelled {
            if isOpen, !isListening { listen() }
            if !isOpen, isListening {
                listener.unregister(place)
                await sites.network.endAnnouncing(place)
                isAnnounced = false
            }
            isListening = isOpen
            if isOpen, !isAnnounced { isAnnounced = await sites.network.announceHolding(place) }
            // Cancellation ends the loop.
            try? await Task.sleep(for: .seconds(2))
        }
        listener.unregister(place)
    }

    private func listen() {
        let (sites, enqueue, greeting) = (sites, enqueue, PushGreeting(sites, place: place))
        sites.listener.register(place, isPlain: true) { connection in
            let link = PushLink(to: connection.endpoint, on: connection.eventLoop)
            let handler = link.makeHandler(greeting, early: connection.received)
            guard enqueue.yield(link), (try? connection.handOver(to: handler)) != nil else {
                return connection.close()
            }
        }
    }

    // MARK: Keeping

    private func receive(_ link: PushLink) async {
        defer { link.close() }
        var publisher: Endpoint?
        for await event in link.events {
            switch event {
            case .opened(let port?) where port != 0: publisher = Endpoint(link.remote.address, port: port)
            case .opened: publisher = nil
            case .message(.offer(let offer)):
                link.allowSilence(of: nil)
                return await answer(offer, from: publisher, link)
            case .message: return
            }
        }
    }

    private func answer(_ offer: PushOffer, from publisher: Endpoint?, _ link: PushLink) async {
        if let refusal = await refusal(of: offer, from: link.remote.address) {
            return link.send(.refused(refusal))
        }
        defer {
            rules.withLock { $0.ended(offer, from: link.remote.address) }
            used.withLock { $0 = nil }
        }
        let wasHeld = sites.isHeld(offer.site)
        // From here on the publisher may dial us for it.
        if !wasHeld { sites.hold(offer.site) }
        link.send(.accepted)
        switch await takeIn(offer, from: publisher, link) {
        case .success(let seq): link.send(.stored(seq: seq))
        case .failure(let error):
            if !wasHeld { sites.drop(offer.site) }
            context.logger.debug("a pushed site was not got", metadata: ["error": "\(error.message)"])
            link.send(.refused(error.kind == .denied ? .denied : .failed))
        }
    }

    /// Says every few seconds how far it is.
    private func takeIn(
        _ offer: PushOffer,
        from publisher: Endpoint?,
        _ link: PushLink
    ) async -> Result<Int64, NodeError> {
        let progress = PushProgress(link)
        return await withTaskGroup(of: Result<Int64, NodeError>.self) { group in
            group.addTask {
                do throws(NodeError) {
                    return .success(
                        try await self.keeping.takeIn(offer, from: publisher) {
                            if $0.stage == "fetching" { progress.has($0.done) }
                        }
                    )
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                while (try? await Task.sleep(for: PushSpecification.progressInterval)) != nil { progress.say() }
                return .failure(NodeError(unexpected: CancellationError()))
            }
            defer { group.cancelAll() }
            return await group.next() ?? .failure(NodeError(unexpected: CancellationError()))
        }
    }

    /// The one point that says what is written here unasked.
    private func refusal(of offer: PushOffer, from address: IPAddress) async -> PushRefusal? {
        guard isOpen else { return .notWanted }
        switch context.admission.verdict(on: .storeUnsolicited, of: Admission.Subject(site: offer.site)) {
        case .admitted: break
        case .denied: return .denied
        case .unsolicited: return .notWanted
        }
        guard let used = await usedBytes() else { return .failed }
        let quota = context.configuration.quota
        return rules.withLock { $0.refusal(of: offer, from: address, used: used, quota: quota) }
    }

    /// What is kept for others, as it was at most ten seconds ago: counting it reads the folder of the store.
    private func usedBytes() async -> Int64? {
        let now = ContinuousClock.now
        if let used = used.withLock({ $0 }), now - used.at < .seconds(10) { return used.bytes }
        let keeper = context.keeper
        let bytes = try? await context.blocking.run {
            Eviction(of: try keeper.holdings(now: WallClock.seconds), quota: .max).bytesBefore
        }
        if let bytes { used.withLock { $0 = (bytes, now) } }
        return bytes
    }
}

/// Tells the publisher how far a keeper is: when the first bytes are asked for, and whenever it is to be said again.
private final class PushProgress: Sendable {
    private let link: PushLink
    private let bytes = Mutex<Int64?>(nil)

    init(_ link: PushLink) {
        self.link = link
    }

    func has(_ count: Int64) {
        let isFirst = bytes.withLock { bytes in
            defer { bytes = count }
            return bytes == nil
        }
        if isFirst { say() }
    }

    func say() { link.send(.progress(bytes: bytes.withLock { $0 } ?? 0)) }
}
