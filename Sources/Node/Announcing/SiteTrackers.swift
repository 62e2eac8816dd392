// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Logging
internal import Storage
internal import Swarm
internal import Synchronization
internal import Wire

/// Tells trackers of what this node holds: of the newest release of each own site those of the configuration, of every site
/// held those that its release names.
///
/// Memory: one announcer a site, at most ``maximumSites``.
final class SiteTrackers: Sendable {
    static let maximumSites = 256
    /// Between two looks at what is held.
    static let interval = Duration.seconds(5)

    /// What a site is told of, and where.
    private struct Place: Equatable {
        var hashes: [Digest160]
        var own: [String]
        var sources: SourceHints
        var isOpenToLocal: Bool
    }

    private struct Entry {
        var held: [Int64]
        var own: [String]
        var isOpenToLocal: Bool
        var place: Place?
        var presence: TrackerPresence?
    }

    private let context: NodeContext
    private let sites: SiteService
    private let swarm: Swarm
    private let entries = Mutex<[Digest256: Entry]>([:])

    init(context: NodeContext, sites: SiteService, swarm: Swarm) {
        self.context = context
        self.sites = sites
        self.swarm = swarm
    }

    /// Works until cancelled, then says goodbye everywhere, which may take three seconds.
    func run() async throws {
        while !Task.isCancelled {
            await look()
            // Cancellation ends the loop.
            try? await Task.sleep(for: Self.interval)
        }
        let presences = entries.withLock { entries in
            defer { entries = [:] }
            return entries.values.compactMap(\.presence)
        }
        await Self.stop(presences)
    }

    private static func stop(_ presences: [TrackerPresence]) async {
        await withDiscardingTaskGroup { group in
            for presence in presences { group.addTask { await presence.stop() } }
        }
    }

    /// Only a site whose releases have changed since the last look costs more than a comparison.
    private func look() async {
        let configuration = context.configuration
        let held = sites.heldSites()
        var ended = entries.withLock { entries in
            let gone = entries.filter { held[$0.key] == nil }
            for site in gone.keys { entries[site] = nil }
            return gone.values.compactMap(\.presence)
        }
        for (site, releases) in held {
            let known = entries.withLock { $0[site] }
            guard
                known?.held != releases || known?.own != configuration.trackers
                    || known?.isOpenToLocal != configuration.allowLocalSources
            else { continue }
            let place = await place(of: site, releases, configuration)
            var entry = Entry(
                held: releases,
                own: configuration.trackers,
                isOpenToLocal: configuration.allowLocalSources,
                place: place,
                presence: known?.presence
            )
            if place != known?.place {
                if let presence = entry.presence { ended.append(presence) }
                entry.presence = place.flatMap(tell)
            }
            let isKept = entries.withLock { entries in
                guard entries.count < Self.maximumSites || entries[site] != nil else { return false }
                entries[site] = entry
                return true
            }
            if !isKept, let presence = entry.presence { ended.append(presence) }
        }
        await Self.stop(ended)
    }

    /// Nil where nobody is to be told.
    private func place(of site: Digest256, _ held: [Int64], _ configuration: NodeConfiguration) async -> Place? {
        guard let newest = held.last, context.admission.admits(.announce, Admission.Subject(site: site)),
            let release = try? await sites.feed(of: site)?.state.release(seq: newest)?.release
        else { return nil }
        let metadata = context.metadata
        let record = try? await context.blocking.run { try metadata.read { try $0.site(site) } }
        let own = record?.isOwn == true ? configuration.trackers : []
        let sources = SourceHints(trackers: release.trackers.filter { !own.contains($0) })
        guard !own.isEmpty || !sources.isEmpty else { return nil }
        return Place(
            hashes: [release.v2.truncated] + (release.v1.map { [$0] } ?? []),
            own: own,
            sources: sources,
            isOpenToLocal: configuration.allowLocalSources
        )
    }

    private func tell(_ place: Place) -> TrackerPresence? {
        let tiers =
            SourceHints(trackers: place.own).tiers(.user) + place.sources.tiers(context.configuration.sourcePolicy)
        return tiers.isEmpty ? nil : swarm.tell(tiers, of: place.hashes)
    }
}
