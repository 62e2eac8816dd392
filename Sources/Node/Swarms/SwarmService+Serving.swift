// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Logging
internal import Storage
internal import Swarm
internal import Synchronization
internal import Wire

extension SwarmService {
    /// Serves both torrents of every release of the site whose files are all known here, from now on.
    ///
    /// Nothing is opened: each costs 120 bytes until a peer comes for it. Safe to repeat, as after a new release.
    func serve(site: Digest256) async throws(NodeError) {
        let metadata = context.metadata
        let releases = try await context.blocking.run { try metadata.read { try $0.describedReleases(of: site) } }
        for release in releases {
            serve(ServedTorrent(site: site, sequence: release.seq, kind: .v2), hash: release.v2.truncated)
            guard let v1 = release.v1 else { continue }
            serve(ServedTorrent(site: site, sequence: release.seq, kind: .v1), hash: v1)
        }
    }

    /// Serves nothing of the site any more; what is being read of it stays open for that.
    func stopServing(site: Digest256) async {
        for (hash, entry) in served where entry.site == site { await stopServing(hash) }
        for (hash, release) in parts where release.site == site { await stopServing(hash) }
    }

    // MARK: The v1 twin

    /// Makes and keeps the hashes of the v1 twin where they are not known, from the files, which must all be held.
    ///
    /// One release at a time, with two threads: whoever reads must not wait for it.
    func hashTwin(_ files: ReleaseFiles) async throws {
        guard let v1 = files.record.v1 else { return }
        let context = context
        let (site, seq) = (files.record.site, files.record.seq)
        let isKnown = try await context.blocking.run {
            try context.metadata.read { try $0.v1Pieces(of: site, seq: seq) } != nil
        }
        if isKnown { return }
        try await exclusively(Self.hashing) {
            let isCancelled = Atomic(false)
            try await withTaskCancellationHandler {
                try await context.blocking.run {
                    var options = PublishOptions(workers: 2)
                    options.isCancelled = { isCancelled.load(ordering: .relaxed) }
                    guard let pieces = try files.tree.v1Pieces(from: context.content, options: options) else {
                        throw NodeError(.notFound, "not all files of this release are here", remedy: "Fetch it first.")
                    }
                    guard try files.tree.v1Metainfo(pieces: pieces).infoHashes.v1 == v1 else {
                        throw ReleaseFiles.broken
                    }
                    try context.metadata.write {
                        try $0.save(files.record, v1Pieces: pieces)
                        try $0.trimV1Pieces(of: site)
                    }
                }
            } onCancel: {
                isCancelled.store(true, ordering: .relaxed)
            }
        }
    }

    /// Stands for all hashing of twins in ``exclusively(_:_:)``: no torrent has this hash.
    private static let hashing = Digest160.zero

    /// In the background, after a fetch: so that the reader hosts the twin as well.
    func makeTwin(_ files: ReleaseFiles) async {
        do {
            try await hashTwin(files)
        } catch {
            context.logger.debug("no v1 twin", metadata: ["error": "\(error)"])
        }
    }
}
