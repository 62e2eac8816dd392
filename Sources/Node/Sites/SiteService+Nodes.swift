// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Wire

/// Directory nodes from those who hold them.
extension SiteService {
    /// How long a holder is looked for where nobody who is connected has it.
    private static let findTime = Duration.seconds(10)
    /// How many holders are asked the same at a time.
    private static let askedAtOnce = 3

    /// After how long without an answer the next holder is asked, too: soon where a page waits, later in walks that ask
    /// for many nodes at once and would get them all twice.
    private static func hedge(_ command: SiteCommand) -> Duration {
        if case .path = command { return .milliseconds(300) }
        return .seconds(2)
    }

    /// Gets nodes side by side and keeps them.
    func fetch(
        _ hashes: [Digest256],
        of site: Digest256,
        peers: [Endpoint],
        trace: SiteTrace
    ) async throws(NodeError) {
        let wanted = Set(hashes)
        let results = await withTaskGroup(of: Result<[SiteResult.DirectoryBytes], NodeError>.self) { group in
            for hash in wanted {
                group.addTask {
                    do throws(NodeError) {
                        return .success(try await self.fetch(.node(hash), of: site, peers: peers, trace: trace))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            var results: [Result<[SiteResult.DirectoryBytes], NodeError>] = []
            for await result in group { results.append(result) }
            return results
        }
        try await keep(results.flatMap { (try? $0.get()) ?? [] }, of: site)
        for case .failure(let error) in results { throw error }
    }

    func keep(_ nodes: [SiteResult.DirectoryBytes], of site: Digest256) async throws(NodeError) {
        guard !nodes.isEmpty else { return }
        let directories = directories
        try await context.blocking.run { try directories.keep(nodes, site: site) }
    }

    /// Keeps nodes that came unasked: in memory at once, on disk soon.
    func keepInBackground(_ nodes: [SiteResult.DirectoryBytes], of site: Digest256) {
        directories.remember(nodes)
        enqueue.yield(.keepNodes(nodes, site))
    }

    private enum Turn: Sendable {
        case answered(SiteConnection, SiteResult)
        /// A holder takes its time.
        case slow
        /// More holders were looked for.
        case looked(NodeError?)
    }

    /// Asks holders, the least busy first: the next as soon as one fails or takes its time, until one has it.
    ///
    /// Each is asked once. Where nobody is left who is connected, others are looked for, once.
    func fetch(
        _ command: SiteCommand,
        of site: Digest256,
        peers: [Endpoint],
        trace: SiteTrace
    ) async throws(NodeError) -> [SiteResult.DirectoryBytes] {
        let result = await withTaskGroup(of: Turn.self) { group in
            var tried: Set<UInt64> = []
            var (asked, hasLooked, isLooking) = (0, false, false)
            func goOn() {
                if let connection = leastBusy(of: site, except: tried) {
                    tried.insert(connection.id)
                    asked += 1
                    group.addTask { .answered(connection, await connection.ask(command)) }
                    group.addTask {
                        // Cancelled as soon as there is an answer.
                        try? await Task.sleep(for: Self.hedge(command))
                        return .slow
                    }
                } else if !hasLooked {
                    (hasLooked, isLooking) = (true, true)
                    group.addTask { .looked(await self.look(for: site, peers, trace)) }
                }
            }
            goOn()
            var failure = Self.nobodyHasIt
            while asked > 0 || isLooking, let turn = await group.next() {
                switch turn {
                case .answered(let connection, .nodes(let nodes)):
                    trace.note("\(nodes.count) directory nodes from \(connection.remote)")
                    group.cancelAll()
                    return Result<[SiteResult.DirectoryBytes], NodeError>.success(nodes)
                case .answered(let connection, _):
                    trace.note("\(connection.remote) gave no directory node")
                    asked -= 1
                case .slow: if asked >= Self.askedAtOnce { continue }
                case .looked(let error):
                    isLooking = false
                    if let error { failure = error }
                }
                if !Task.isCancelled { goOn() }
            }
            group.cancelAll()
            return .failure(Task.isCancelled ? NodeError(unexpected: CancellationError()) : failure)
        }
        return try result.get()
    }

    private func look(for site: Digest256, _ peers: [Endpoint], _ trace: SiteTrace) async -> NodeError? {
        do throws(NodeError) {
            _ = try await refresh(.site(site), peers: peers, within: clock.real(Self.findTime), trace: trace)
            return nil
        } catch {
            return error
        }
    }

    private func leastBusy(of site: Digest256, except tried: Set<UInt64>) -> SiteConnection? {
        connections(of: site).filter { !tried.contains($0.id) }.min { $0.openCommands < $1.openCommands }
    }

    private static let nobodyHasIt = NodeError(
        .unavailable,
        "no peer that answers has this part of the site's directory",
        remedy: "Try again later, or name a peer that has it with --peer HOST:PORT."
    )
}
