// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent

extension Node {
    /// Keeps the description that a .torrent file has; it is opened and fetched by its magnet link, as any other. Where it is found
    /// is kept too, and is no part of the link: a link has no tiers (BEP 12) and no seeds of BEP 17.
    public func learn(torrent file: [UInt8]) async throws(NodeError) -> String {
        let tree = try await context.blocking.run {
            do { return try OpenTree(Metainfo(torrentFile: file)) } catch let error as MetainfoError {
                throw NodeError(
                    .badData,
                    "this is no torrent that can be used: \(error)",
                    remedy: "Get the file again from where it was published."
                )
            }
        }
        guard !tree.metainfo.isPrivate else { throw OpenTree.isPrivate }
        let hashes = tree.metainfo.infoHashes
        try refuseDenied(.tree(v1: hashes.v1, v2: hashes.v2))
        try await swarms.keep(tree)
        trees.forget(hashes)
        return Magnet(infoHashes: hashes).description
    }
}
