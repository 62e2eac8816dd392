// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Storage
internal import Wire

/// Looks over everything that a node keeps, and mends what can be mended.
///
/// Content is read whole and compared with its hashes. Without `repair` nothing on the disk changes; nothing wrong is
/// shown or served for all that, as readers compare too. With it, what is damaged goes to `quarantine/` and is got again:
/// of an own site from its folder, else from peers.
struct Doctor: Sendable {
    typealias Finding = DoctorReport.Finding

    let context: NodeContext
    let sites: SiteService
    let swarms: SwarmService
    /// Nodes of the DHT that are known now; nil where that cannot be told.
    var dhtNodes: Int?
    /// Where peers reach this node; none where that cannot be told.
    var listens: [Endpoint] = []
    /// What the router does for it; nil where it is not asked.
    var mapping: String?

    func run(repair: Bool, report: @escaping LongWork.Report) async throws(NodeError) -> DoctorReport {
        var findings = try await small(repair: repair)
        let faults = try await database()
        findings += faults.isEmpty ? [.ok("the database is sound")] : faults
        do throws(NodeError) {
            findings += try await feeds(repair: repair, isDatabaseSound: faults.isEmpty)
            if repair, faults.isEmpty { findings += try await relist(report: report) }
            findings += try await lists(repair: repair && faults.isEmpty)
            let (scrubbed, damaged) = try await scrub(repair: repair, report: report)
            findings += scrubbed
            findings += try await completeness(damaged: damaged, repair: repair && faults.isEmpty, report: report)
        } catch {
            // What a damaged database does not tell cannot be looked at, and that it is damaged is said.
            guard !faults.isEmpty, !Task.isCancelled else { throw error }
            findings.append(.problem("not all was looked at: \(error.message)", Self.newDatabase))
        }
        return DoctorReport(healthy: !findings.contains { $0.state == "problem" }, findings: findings)
    }

    // MARK: Small things

    /// What is quick to look at.
    private func small(repair: Bool) async throws(NodeError) -> [Finding] {
        let (context, dhtNodes, listens, mapping) = (context, dhtNodes, listens, mapping)
        return try await context.blocking.run {
            var findings = Self.space(context.home) + Self.clock(context.metadata)
            findings += Self.configuration(context.home) + Self.denyLists(context.home)
            findings += DoctorKeys(keys: context.keys, repair: repair).findings
            if !listens.isEmpty {
                findings.append(
                    .ok("peers reach this node at \(listens.map(\.description).joined(separator: " and "))")
                )
            }
            if let mapping { findings.append(.ok(mapping)) }
            findings += Self.dht(dhtNodes, context.configuration)
            return findings
        }
    }

    private static func space(_ home: Home) -> [Finding] {
        guard let free = home.freeBytes else { return [] }
        guard free < 256 << 20 else { return [.ok("\(ByteCount(free)) of disk are free")] }
        return [
            .problem("only \(ByteCount(free)) are free on the disk of \(home.path)", "Free space, or lower the quota.")
        ]
    }

    private static func clock(_ metadata: MetadataStore) -> [Finding] {
        let now = WallClock.seconds
        // Noon of 2025-01-01: before any release of this program.
        guard now > 1_735_732_800 else {
            return [
                .problem("the clock of this machine says \(WallClock.text(now))", "Set it: releases carry the time.")
            ]
        }
        let latest = try? metadata.read { metadata in
            try metadata.sites().map { max($0.addedAt, $0.openedAt) }.max() ?? 0
        }
        guard let latest, latest > now + 86_400 else { return [.ok("the clock says \(WallClock.text(now))")] }
        return [
            .problem(
                "the clock says \(WallClock.text(now)), and this node has seen \(WallClock.text(latest))",
                "Set the clock of this machine."
            )
        ]
    }

    private static func configuration(_ home: Home) -> [Finding] {
        do {
            let file = (try? home.read(home.configuration)).map { String(decoding: $0, as: UTF8.self) } ?? ""
            _ = try ConfigurationLoader(file: file).load()
            return [.ok("config.toml can be read")]
        } catch {
            return [.problem(error.message, error.remedy)]
        }
    }

    private static func denyLists(_ home: Home) -> [Finding] {
        do throws(StorageError) {
            return try home.readDenyLists().map { list in
                guard let first = list.invalidLines.first else {
                    return .ok("the deny list '\(list.name)' has \(list.rules.count) rules")
                }
                return .problem(
                    "\(list.invalidLines.count) lines of the deny list '\(list.name)' are no rules, first line \(first)",
                    "Correct \(home.denyLists)/\(list.name).deny; its other rules count."
                )
            }
        } catch {
            return [.problem("a deny list cannot be read", NodeError(error).message)]
        }
    }

    /// While a node runs its database cannot take another's place.
    private static let newDatabase =
        "End the node with `roost stop` and run `roost doctor` again: before it starts a node, it copies what can be read into "
        + "a new database, and keeps the damaged one in quarantine/."

    /// What is wrong with the database; nothing where all is well.
    private func database() async throws(NodeError) -> [Finding] {
        let metadata = context.metadata
        return try await context.blocking.run {
            do throws(MetadataError) {
                return try metadata.check().map { .problem("the database: \($0)", Self.newDatabase) }
            } catch .damaged {
                return [.problem("the database: it cannot be read", Self.newDatabase)]
            } catch {
                let error = NodeError(error)
                return [.problem(error.message, error.remedy)]
            }
        }
    }

    static func dht(_ nodes: Int?, _ configuration: NodeConfiguration) -> [Finding] {
        guard let nodes else { return [] }
        if nodes > 0 { return [.ok("\(nodes) nodes of the DHT are known")] }
        if configuration.network == "none", configuration.bootstrap.isEmpty {
            return [.ok("no DHT is joined, as `network` is none: peers are found by --peer alone")]
        }
        let remedy =
            configuration.network == "none"
            ? "Give nodes to start from with --bootstrap." : "Check the connection, and that UDP is let through."
        return [.problem("no node of the DHT answers", remedy)]
    }

    // MARK: Feeds

    private func feeds(repair: Bool, isDatabaseSound: Bool) async throws(NodeError) -> [Finding] {
        let context = context
        let (records, faults) = try await context.blocking.run {
            let records = try context.metadata.read { try $0.sites() }
            // Read from disk, not from memory.
            let shelf = FeedShelf(metadata: context.metadata)
            var faults: [Digest256: NodeError] = [:]
            for record in records {
                do throws(NodeError) {
                    let feed = try shelf.feed(of: record.id)
                    if feed == nil, record.isOwn { faults[record.id] = Self.noHistory(of: record) }
                } catch {
                    faults[record.id] = error
                }
            }
            return (records, faults)
        }
        var findings: [Finding] = []
        for record in records {
            if record.isOwn, !context.keys.hasSiteFile(record.id) {
                findings.append(
                    .problem(
                        "the keys of your site \(Self.name(record)) are not here",
                        NodeKeys.remedy(forMissing: NodeKeys.name(of: record.id))
                    )
                )
            }
            guard let fault = faults[record.id] else { continue }
            findings.append(
                isDatabaseSound
                    ? await mend(record, fault, repair: repair) : .problem(fault.message, Self.newDatabase)
            )
        }
        findings += try await strayKeys()
        if faults.isEmpty { findings.append(.ok("the histories of \(records.count) sites prove themselves")) }
        return findings
    }

    /// Keys of sites of which the database knows nothing, not even that they were removed or are being begun.
    private func strayKeys() async throws(NodeError) -> [Finding] {
        let context = context
        let sites = try await context.blocking.run {
            try context.keys.ownSites().filter { site in
                let isUnknown = try context.metadata.read {
                    try $0.site(site) == nil && $0.highestHead(of: site) == nil && !BegunSites.isBegun(site, in: $0)
                }
                // A node that starts takes back sites that were only begun: their keys first, then the note of it.
                return isUnknown && context.keys.hasSite(site)
            }
        }
        return sites.map { site in
            let address = SiteAddress.site(site).text
            return .problem(
                "the keys of \(address) are here, and nothing of its history",
                "Restore metadata.sqlite from a copy of the home, or get the history from a reader: `roost open \(address)`."
            )
        }
    }

    private func mend(_ record: SiteRecord, _ fault: NodeError, repair: Bool) async -> Finding {
        guard repair else { return .problem(fault.message, "Run `roost doctor`: it asks holders for it.") }
        let metadata = context.metadata
        do throws(NodeError) {
            try await context.blocking.run { try metadata.write { try $0.removeFeed(of: record.id) } }
            sites.feeds.forget(record.id)
            _ = try await sites.refresh(.site(record.id))
            return .repaired("the history of \(Self.name(record)) was damaged and came again from a holder")
        } catch {
            return .problem(fault.message, error.remedy)
        }
    }

    private static func noHistory(of record: SiteRecord) -> NodeError {
        NodeError(
            .badData,
            "the history of your site \(name(record)) is not here",
            remedy: "Restore metadata.sqlite from a copy of the home, or connect to a peer that has the site."
        )
    }

    static func name(_ record: SiteRecord) -> String {
        let address = "betanet://\(record.id.hex.prefix(12))…"
        return record.title.isEmpty ? address : "'\(record.title)' (\(address))"
    }
}

extension DoctorReport.Finding {
    static func ok(_ what: String) -> Self { Self(state: "ok", what: what) }
    static func repaired(_ what: String) -> Self { Self(state: "repaired", what: what) }
    static func problem(_ what: String, _ remedy: String) -> Self { Self(state: "problem", what: what, remedy: remedy) }
}
