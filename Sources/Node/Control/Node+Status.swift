// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Glibc
internal import Keys
internal import Storage
internal import Wire

extension Node {
    /// What the node is and does at this moment.
    public func status() async -> NodeStatus {
        let torrents = await swarms.torrents()
        let metadata = context.metadata
        let sites = (try? await context.blocking.run { try metadata.read { try $0.sites().count } }) ?? 0
        return NodeStatus(
            peerID: (try? context.keys.peerID(network: context.configuration.network)).map { "\($0)" } ?? "",
            version: context.version,
            pid: getpid(),
            listen: listens.map(\.description),
            gateway: "http://\(gateway)/",
            control: "http://\(control)/",
            uptime: (ContinuousClock.now - startedAt) / .seconds(1),
            networks: [await network.status()],
            sites: sites,
            torrents: torrents,
            memory: Self.residentBytes,
            serve: context.configuration.effectiveServe.rawValue,
            exposed: await exposure().text,
            limits: NodeStatus.Limits(context.configuration),
            queues: await queues()
        )
    }

    /// Peers of all torrents that are connected now.
    public func peers() async -> [PeerSummary] { await swarms.peers() }

    /// What the process holds in memory now; 0 where the system does not tell.
    static var residentBytes: Int64 {
        guard let file = unsafe fopen("/proc/self/statm", "r") else { return 0 }
        defer { unsafe fclose(file) }
        var line = [UInt8](repeating: 0, count: 128)
        let count = unsafe fread(&line, 1, line.count, file)
        let words = String(decoding: line.prefix(count), as: UTF8.self).split(separator: " ")
        guard words.count > 1, let pages = Int64(words[1]) else { return 0 }
        return pages * Int64(getpagesize())
    }
}
