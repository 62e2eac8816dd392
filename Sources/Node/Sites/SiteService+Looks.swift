// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
internal import Wire

/// When sites are looked for that nobody opens.
extension SiteService {
    /// Held sites to be looked for now: each about every half hour, a few at a time, spread over the first minutes.
    func sitesToLookFor(now: ContinuousClock.Instant) -> [Digest256] {
        state.withLock { state in
            var due: [Digest256] = []
            for (site, entry) in state.sites where entry.isHeld {
                guard let next = entry.nextLook else {
                    state.sites[site]?.nextLook = now + .seconds(Int.random(in: 30...300))
                    continue
                }
                guard next <= now, due.count < Self.looksAtATime else { continue }
                due.append(site)
                state.sites[site]?.nextLook = now + .seconds(Int.random(in: 1500...2100))
            }
            return due
        }
    }

    /// Whether it is time to look for a recovery again; at most hourly.
    func shouldSearchRecovery(of site: Digest256) -> Bool {
        state.withLock { state in
            let now = ContinuousClock.now
            if let last = state.sites[site]?.lastRecoverySearch, now - last < .seconds(3600) { return false }
            state.sites[site, default: SiteState()].lastRecoverySearch = now
            return true
        }
    }
}
