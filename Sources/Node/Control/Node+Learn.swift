// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent

extension Node {
    /// Keeps the description that a .torrent file has; it is opened and fetched by its magnet link, as any other.
    public func learn(torrent file: [UInt8]) async throws(NodeError) -> String {
        let metainfo: Metainfo
        do throws(MetainfoError) { metainfo = try Metainfo(torrentFile: file) } catch {
            throw NodeError(
                .badData,
                "this is no torrent that can be used: \(error)",
                remedy: "Get the file again from where it was published."
            )
        }
        guard !metainfo.isPrivate else {
            throw NodeError(
                .notPermitted,
                "this torrent is private: its peers may come only from its tracker",
                remedy: "Use `roost torrent get`."
            )
        }
        let hashes = metainfo.infoHashes
        try refuseDenied(.tree(v1: hashes.v1, v2: hashes.v2))
        let tree: OpenTree
        do { tree = try OpenTree(metainfo) } catch { throw NodeError(unexpected: error) }
        try await swarms.keep(tree)
        var magnet = Magnet(infoHashes: hashes)
        magnet.trackers = metainfo.sources.trackers.flatMap { $0 }
        magnet.webSeeds = metainfo.sources.webSeeds
        return magnet.description
    }
}
