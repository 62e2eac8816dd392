// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// The peers of the demo that run now, so that all are ended whatever happens.
actor DemoCast {
    nonisolated let folder: URL
    private var peers: [DemoPeer] = []

    init(folder: URL) {
        self.folder = folder
    }

    /// Starts a peer on a home beneath the folder, new or known.
    func enter(_ name: String, home: String, through entrance: DemoPeer?) async throws -> DemoPeer {
        let peer = try await DemoPeer(name: name, home: folder.appendingPathComponent(home), entrance: entrance)
        peers.append(peer)
        return peer
    }

    /// Ends every peer; those that have ended already are done at once.
    func leave() async {
        for peer in peers { await peer.stop() }
        peers = []
    }
}
