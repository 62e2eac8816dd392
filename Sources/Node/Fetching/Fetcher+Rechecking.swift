// SPDX-License-Identifier: Apache-2.0
internal import Storage
internal import Wire

/// What comes is verified as it comes. What was here before may have changed on the disk since, and a folder that is
/// written shows it to somebody (`docs/decisions/0019-pages-are-hashed-when-read.md`).
extension Fetcher {
    /// Those of the files of which something is here.
    func begun(_ roots: [Digest256]) async throws(NodeError) -> Set<Digest256> {
        let content = context.content
        return try await context.blocking.run {
            Set(roots.filter { content.contains(.file(root: $0)) || content.hasBegun(.file(root: $0)) })
        }
    }

    /// Hashes the files. Those that are damaged are out of service then; returns whether any is.
    func takeOutDamaged(
        _ roots: Set<Digest256>,
        report: @escaping LongWork.Report
    ) async throws(NodeError) -> Bool {
        guard !roots.isEmpty else { return false }
        let content = context.content
        let damaged = try await LongWork.run(on: context.blocking, report: report) { work in
            var damaged: Set<ContentKey> = []
            for root in roots {
                guard !work.isCancelled else { throw CancellationError() }
                if try content.verify(root) == .damaged { damaged.insert(.file(root: root)) }
            }
            return damaged
        }
        // A torrent that is open believes that it has them.
        if !damaged.isEmpty { await swarms.follow(damaged) }
        return !damaged.isEmpty
    }
}
