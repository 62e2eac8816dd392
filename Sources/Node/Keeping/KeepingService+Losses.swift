// SPDX-License-Identifier: Apache-2.0
internal import Logging
internal import Storage
internal import Synchronization
internal import Wire

/// What goes from the store is said to be here no longer, at once; what is kept comes again.
extension KeepingService {
    /// Why what is missing is looked for.
    enum Mending: Sendable {
        /// Something has just gone.
        case lost
        /// Time has passed.
        case due
    }

    /// The pause before a second try to get what is missing; doubled up to ``pinnedInterval``.
    static let firstMendPause = Duration.seconds(60)
    /// Between two looks whether such a pause is over.
    static let mendInterval = Duration.seconds(15)

    /// From any thread; does not block.
    func noteChange(of key: ContentKey) {
        guard case .file(let root) = key else { return }
        let isFirst = changedRoots.withLock { changed in
            changed.insert(root)
            return changed.count == 1
        }
        if isFirst { changes.yield(()) }
    }

    /// Works until cancelled. `interval`: between two looks whether time has come to try again.
    func followStore(every interval: Duration = mendInterval) async throws {
        await withDiscardingTaskGroup { group in
            group.addTask {
                while (try? await Task.sleep(for: interval)) != nil { self.mendings.yield(.due) }
                self.changes.finish()
                self.mendings.finish()
            }
            group.addTask { for await _ in self.changes.jobs { await self.followChanges() } }
            group.addTask { await self.mendForever() }
        }
    }

    private func followChanges() async {
        let roots = changedRoots.withLock { changed in
            defer { changed = [] }
            return changed
        }
        do {
            if try await held.follow(roots) { mendings.yield(.lost) }
        } catch {
            context.logger.error("what is held could not be looked over", metadata: ["error": "\(error.message)"])
        }
    }

    /// At once when something goes, then ever more rarely for as long as something is missing.
    private func mendForever() async {
        var pause = Self.firstMendPause
        var due: ContinuousClock.Instant? = .now + pause
        for await wish in mendings.jobs {
            switch wish {
            case .lost: pause = Self.firstMendPause
            case .due: guard let time = due, time <= .now else { continue }
            }
            let isWhole = await mend()
            due = isWhole ? nil : .now + pause
            pause = min(pause * 2, Self.pinnedInterval)
        }
    }

    /// Gets what is missing of own and pinned sites. Returns whether all of it is here.
    private func mend() async -> Bool {
        do throws(NodeError) {
            let finder = ReleaseGaps(context: context, sites: sites, swarms: swarms)
            var tried: Set<String> = []
            var left = 0
            for var gap in try await finder.find() {
                try await finder.mend(&gap, tried: &tried)
                if gap.missing.isEmpty { try await held.survey(gap.site.id) } else { left += 1 }
            }
            if left > 0 {
                context.logger.notice("releases that are kept are not whole", metadata: ["count": "\(left)"])
            }
            return left == 0
        } catch {
            context.logger.debug("what is missing was not got again", metadata: ["error": "\(error.message)"])
            return false
        }
    }
}
