// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Feeds
internal import Storage
internal import Wire

/// A release's torrent that can be served: enough to build its session when somebody comes for it.
struct ServedTorrent: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        case v1
        case v2
    }

    var site: Digest256
    var sequence: Int64
    var kind: Kind
}

/// A release of a site as its feed has it.
struct SiteRelease: Equatable, Sendable {
    var site: Digest256
    var release: Release

    var record: ReleaseRecord {
        ReleaseRecord(
            site: site,
            seq: release.seq,
            v1: release.v1,
            v2: release.v2,
            directory: release.directory,
            pieceLength: release.pieceLength,
            storedAt: WallClock.seconds
        )
    }
}
