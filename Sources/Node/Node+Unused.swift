// SPDX-License-Identifier: Apache-2.0
internal import Logging
internal import Storage

extension Node {
    /// A node that a command started ends so long after the last page, where nothing depends on it.
    static let unusedTime = Duration.seconds(15 * 60)

    /// Stops the node when it has not been used for ``unusedTime`` and has nothing published or pinned.
    func endWhenUnused() async {
        while !Task.isCancelled {
            // Cancellation ends the loop.
            try? await Task.sleep(for: .seconds(20))
            guard visits.idleTime >= Self.unusedTime else { continue }
            let metadata = context.metadata
            let records = try? await context.blocking.run { try metadata.read { try $0.sites() } }
            guard let records, !records.contains(where: { $0.isOwn || $0.isPinned }) else { continue }
            context.logger.notice("nobody has used this node for a while; it ends")
            stopping.stop()
            return
        }
    }
}
