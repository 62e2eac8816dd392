// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BitTorrent
internal import NIOCore
internal import NIOPosix
internal import Transport
internal import Wire

struct TorrentShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Decode and validate a .torrent file or a magnet link."
    )

    @OptionGroup var options: GlobalOptions
    @Flag(help: "Ask the trackers how many have it.") var scrape = false
    @Flag(help: "Ask trackers on this machine and in the local network as well.") var allowLocal = false
    @Argument(help: "A .torrent file or a magnet link.") var torrent: String

    func run() async throws {
        guard Magnet.isMagnet(torrent) else {
            let metainfo = try TorrentFiles.load(torrent)
            return await show(TorrentSummary(metainfo), metainfo.infoHashes)
        }
        let magnet = try TorrentFiles.magnet(torrent)
        await show(TorrentSummary(magnet), magnet.infoHashes)
    }

    private func show(_ summary: TorrentSummary, _ hashes: InfoHashes) async {
        var summary = summary
        if scrape { summary.scrapes = await counts(summary.trackers, hashes.short) }
        options.print(summary) { $0.text }
    }

    /// All trackers at once.
    private func counts(_ trackers: [String], _ hashes: [Digest160]) async -> [TorrentSummary.Scrape] {
        let client = TrackerClient(dialer: HTTPDialer(loop: MultiThreadedEventLoopGroup.singleton.any()))
        defer { client.close() }
        let policy = allowLocal ? AddressPolicy.user : .stranger
        return await withTaskGroup(of: (Int, TorrentSummary.Scrape).self) { group in
            for (index, text) in trackers.enumerated() {
                guard let url = ServiceURL(text) else { continue }
                group.addTask {
                    do {
                        let counts = try await client.scrape(url, hashes, policy: policy).get()
                        return (index, TorrentSummary.Scrape(text, Array(counts.values)))
                    } catch {
                        return (index, TorrentSummary.Scrape(text, error as? TrackerError ?? .unreachable))
                    }
                }
            }
            var all: [(Int, TorrentSummary.Scrape)] = []
            for await one in group { all.append(one) }
            return all.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }
}
