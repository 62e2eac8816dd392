// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import NIOCore
internal import Storage
internal import Swarm
internal import Synchronization
internal import Wire

/// Who comes by themselves.
extension SiteService {
    /// Serves the site from now on to whoever comes, and says so where policy wants that.
    func hold(_ site: Digest256) {
        let isNew = state.withLock { state in
            defer { state.sites[site, default: SiteState()].isHeld = true }
            return state.sites[site]?.isHeld != true
        }
        if isNew {
            listener.register(SiteLocations.holders(of: site), isPlain: true) { [weak self] connection in
                guard let self else { return connection.close() }
                accept(connection, for: site)
            }
        }
        enqueue.yield(.survey(site))
    }

    /// Serves it no longer; its connections end.
    func drop(_ site: Digest256) {
        listener.unregister(SiteLocations.holders(of: site))
        let connections = state.withLock { state in
            state.sites[site]?.isHeld = false
            return state.sites[site].map { Array($0.connections.values) } ?? []
        }
        for connection in connections { connection.close() }
        enqueue.yield(.survey(site))
    }

    func isHeld(_ site: Digest256) -> Bool { state.withLock { $0.sites[site]?.isHeld ?? false } }

    /// Says which releases' files are here completely.
    func setHeld(_ releases: [Int64], of site: Digest256) { changeHeld(of: site) { _ in releases } }

    /// As ``setHeld(_:of:)``, from what was said before; says nothing where that stays.
    func changeHeld(of site: Digest256, _ change: (_ held: [Int64]) -> [Int64]) {
        let changed: (releases: [Int64], connections: [SiteConnection])? = state.withLock { state in
            let before = state.sites[site]?.held ?? []
            let releases = change(before)
            guard releases != before else { return nil }
            state.sites[site, default: SiteState()].held = releases
            return (releases, state.sites[site].map { Array($0.connections.values) } ?? [])
        }
        for connection in changed?.connections ?? [] { connection.setHeld(changed?.releases ?? []) }
        if changed != nil { enqueue.yield(.survey(site)) }
    }

    /// The sites that are served and of which whole releases are here, with the numbers of these.
    func heldSites() -> [Digest256: [Int64]] {
        state.withLock { $0.sites.filter { $0.value.isHeld && !$0.value.held.isEmpty }.mapValues(\.held) }
    }

    func heldReleases(of site: Digest256) -> [Int64] { state.withLock { $0.sites[site]?.held ?? [] } }

    func mayServe(_ site: Digest256) -> Bool { context.admission.admits(.serve, Admission.Subject(site: site)) }

    /// On the listener's loop.
    private func accept(_ incoming: IncomingConnection, for site: Digest256) {
        guard mayServe(site), isHeld(site) else { return incoming.close() }
        guard let connection = begin(site, incoming.endpoint, isOutgoing: false, loop: incoming.eventLoop) else {
            return incoming.close()
        }
        received(incoming.received.readableBytes, for: site)
        let driver = connection.makeDriver(service: self, early: incoming.received)
        do {
            try incoming.handOver(to: driver)
        } catch {
            driver.close()
            incoming.close()
        }
    }

    /// Counts a connection in; nil where there are too many.
    func begin(
        _ site: Digest256,
        _ remote: Endpoint,
        isOutgoing: Bool,
        loop: any EventLoop
    ) -> SiteConnection? {
        state.withLock { state in
            guard state.connections < Self.maximumConnections else { return nil }
            let entry = state.sites[site, default: SiteState()]
            if !isOutgoing {
                let same = entry.connections.values.count { !$0.isOutgoing && $0.remote.address == remote.address }
                guard same < Self.maximumFromAddress else { return nil }
            }
            state.nextConnection += 1
            state.connections += 1
            let connection = SiteConnection(
                id: state.nextConnection,
                site: site,
                remote: remote,
                isOutgoing: isOutgoing,
                loop: loop
            )
            state.sites[site, default: SiteState()].connections[connection.id] = connection
            return connection
        }
    }
}
