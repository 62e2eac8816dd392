// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Keys
internal import Logging
internal import NIOCore
internal import Storage
internal import Synchronization
internal import Transport
internal import Wire

extension SiteService {
    /// Connects to a peer, or uses the connection there is, and asks what it follows. `done` is called once.
    func dial(_ endpoint: Endpoint, for site: Digest256, done: @escaping @Sendable (SiteSyncOutcome) -> Void) {
        let open = connections(of: site).first { $0.endpoint == endpoint }
        if let open { return open.synchronise(done) }
        guard let connection = begin(site, endpoint, isOutgoing: true, loop: loop) else { return done(.unreachable) }
        let connected = sockets.connect(to: endpoint, timeout: clock.real(.seconds(5))) { channel in
            let driver = connection.makeDriver(service: self)
            driver.synchronise(done)
            try channel.pipeline.syncOperations.addHandler(driver)
        }
        connected.whenFailure { _ in
            // Where not even a channel was made there is no driver to say it.
            connection.close { done(.unreachable) }
            self.closed(connection)
        }
    }

    /// Closes every connection.
    func closeAll() {
        let all = state.withLock { $0.sites.values.flatMap { Array($0.connections.values) } }
        for connection in all { connection.close() }
    }
}

/// What the drivers of connections say, on their loops.
extension SiteService {
    func feedForConnection(to site: Digest256, on loop: any EventLoop) -> EventLoopFuture<Void> {
        if feeds.cached(site) != nil { return loop.makeSucceededVoidFuture() }
        let feeds = feeds
        return context.blocking.run(on: loop) { _ = try feeds.feed(of: site) }
    }

    func received(_ count: Int, for site: Digest256) {
        state.withLock { state in
            state.received += Int64(count)
            state.sites[site]?.received += Int64(count)
        }
    }

    /// - Returns: false where the site is no longer served to those who come by themselves.
    func opened(_ connection: SiteConnection, peerPort: UInt16?) -> Bool {
        if !connection.isOutgoing { connection.peerListens(at: peerPort) }
        return mayServe(connection.site)
    }

    func learnt(_ key: PublicKey, of site: Digest256) {
        state.withLock { $0.sites[site]?.key = key }
    }

    func peer(_ connection: SiteConnection, follows head: SignedHead, holds: [Int64]) {
        // News of a head says nothing of files.
        guard let endpoint = connection.endpoint, !holds.isEmpty else { return }
        state.withLock { state in
            guard var entry = state.sites[connection.site] else { return }
            if entry.holdings.count >= Self.maximumHolders, entry.holdings[endpoint] == nil {
                entry.holdings = entry.holdings.filter { entry.holders[$0.key] != nil }
                guard entry.holdings.count < Self.maximumHolders else { return }
            }
            entry.holdings[endpoint] = Set(holds)
            state.sites[connection.site] = entry
        }
    }

    /// Blocks off the loop until the feed is on disk; then everybody else who is connected hears of it.
    func keep(_ feed: SiteFeed, from connection: SiteConnection, on loop: any EventLoop) -> EventLoopFuture<Void> {
        guard context.admission.admits(.store, Admission.Subject(site: feed.site)) else {
            return loop.makeSucceededVoidFuture()
        }
        let feeds = feeds
        return context.blocking.run(on: loop) { try feeds.merge(feed) }.map { merged in
            guard merged.hasChanged, let feed = merged.feed else { return }
            self.changed(feed, except: connection.id)
        }
    }

    /// Tells all connections of the site, and the schedule, of a state that is on disk.
    func changed(_ feed: SiteFeed, except id: UInt64? = nil) {
        for connection in connections(of: feed.site) where connection.id != id { connection.feedChanged(feed) }
        enqueue.yield(.survey(feed.site))
    }

    func concluded(_ connection: SiteConnection, _ outcome: SiteSyncOutcome) {
        guard let endpoint = connection.endpoint else { return }
        if case .failed(let failure) = outcome, failure.isLie {
            state.withLock { state in
                guard state.sites[connection.site]?.impostors.count ?? 0 < Self.maximumHolders else { return }
                state.sites[connection.site]?.impostors.insert(endpoint)
            }
        }
        guard outcome == .agreed || outcome == .behind else { return }
        state.withLock { state in
            guard var entry = state.sites[connection.site] else { return }
            if entry.holders.count >= Self.maximumHolders, entry.holders[endpoint] == nil,
                let oldest = entry.holders.min(by: { $0.value < $1.value })
            {
                entry.holders[oldest.key] = nil
            }
            entry.holders[endpoint] = .now
            state.sites[connection.site] = entry
        }
        onHolder(endpoint, connection.site)
    }

    func misbehaved(_ connection: SiteConnection, _ what: String) {
        if let endpoint = connection.endpoint {
            state.withLock { state in
                state.sites[connection.site]?.holders[endpoint] = nil
                state.sites[connection.site]?.holdings[endpoint] = nil
            }
        }
        context.logger.debug("site exchange ended", metadata: ["reason": "\(what)"])
    }

    func closed(_ connection: SiteConnection) {
        connection.ended()
        state.withLock { state in
            guard state.sites[connection.site]?.connections.removeValue(forKey: connection.id) != nil else { return }
            state.connections -= 1
        }
    }

    /// A directory node to serve; nil where it is not here or a rule forbids it.
    func node(_ hash: Digest256, of site: Digest256, on loop: any EventLoop) -> EventLoopFuture<[UInt8]?> {
        guard mayServe(site) else { return loop.makeSucceededFuture(nil) }
        let directories = directories
        return context.blocking.run(on: loop) { try directories.node(hash, site: site) }
    }
}
