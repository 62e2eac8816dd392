// SPDX-License-Identifier: Apache-2.0
internal import Logging
internal import Storage
internal import Swarm
internal import Wire

/// A download that ends because the disk takes no more makes room again: a home that is full to its last byte could neither
/// publish nor note anything.
extension SwarmService {
    /// Bytes that stay free for everything else.
    static let reserve: Int64 = 64 << 20

    /// Lets go of what a download brought, as far as that takes to leave ``reserve`` free: the largest file first. Where
    /// that much is free, as when the disk fails for another reason, all of it stays for the next try.
    ///
    /// `roots`: files that were not whole before the download began.
    func makeRoom(from roots: [Digest256]) async {
        let context = context
        let dropped = try? await context.blocking.run {
            try context.content.trim(roots.map { .file(root: $0) }, untilFree: Self.reserve)
        }
        guard let dropped, dropped > 0 else { return }
        context.logger.notice("let go of what was downloaded: the disk is full", metadata: ["files": "\(dropped)"])
    }

    /// What was thrown because a piece could not be written.
    static func isStorageFailure(_ error: any Error) -> Bool {
        if case Torrent.Failure.storage? = error as? Torrent.Failure { return true }
        guard let error = error as? StorageError else { return false }
        if case .diskFull = error { return true }
        return false
    }
}
