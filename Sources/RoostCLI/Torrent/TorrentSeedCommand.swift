// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BitTorrent
internal import Foundation
internal import Node
internal import Swarm
internal import Wire

struct TorrentSeedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seed",
        abstract: "Serve a torrent's files.",
        discussion: "Files that changed since the last run are hashed first; what is not right is not served."
    )

    @OptionGroup var options: GlobalOptions
    @OptionGroup var contract: EventContract
    @OptionGroup var network: PeerOptions
    @OptionGroup var sources: SourceOptions
    @Argument(help: "A .torrent file.") var torrent: String
    @Option(help: ArgumentHelp("The folder that holds the torrent's file or folder.", valueName: "dir")) var dir: String

    @Flag(help: "Show each peer one piece after the other, so that little more than one copy leaves us.")
    var superSeed = false

    func run() async throws {
        let run = try await TorrentRun(network)
        let lines = contract.makeLines()
        lines.say("ready", ["port": Double(run.endpoint.port)])
        guard await contract.waitForGo(lines) else { return await run.shutdown() }
        do {
            try await serve(run, lines)
        } catch {
            await run.shutdown()
            throw error
        }
        await run.shutdown()
    }

    private struct Serving: Encodable {
        var listen: String
        var have: Int
        var pieces: Int
    }

    private func serve(_ run: TorrentRun, _ lines: EventLines) async throws {
        let metainfo = try TorrentFiles.load(torrent)
        let storage = try TorrentFiles.storage(metainfo, at: dir, mustExist: true)
        let bar = ProgressBar(shown: options.showsProgress && !contract.events)
        let have = try await TorrentStart.have(metainfo, storage, bar)
        bar.clear()
        guard !have.isEmpty || metainfo.pieceMap.pieceCount == 0 else {
            throw NodeError(.noInput, "\(dir) holds nothing of this torrent", remedy: "Give the folder that holds it.")
        }
        let active = try await run.swarm.add(metainfo, storage: storage, have: have) {
            $0.closesWhenBothComplete = true
            $0.superSeeds = superSeed
            $0.exchangesPeers = network.exchangesPeers
        }
        active.announce(to: sources.tiers(metainfo.sources.trackers))
        lines.say("seeding", ["port": Double(run.endpoint.port)])
        if !contract.events, options.json || !options.quiet {
            let serving = Serving(listen: run.endpoint.description, have: have.setCount, pieces: have.count)
            options.print(serving) { "Serving \($0.have) of \($0.pieces) pieces on \($0.listen). Ctrl-C ends it." }
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await run.useDHT(for: active) }
            group.addTask { await Self.untilTold(contract, lines, active) }
            group.addTask { await EndingSignal.wait() }
            // The search never ends by itself; the first of the others does.
            if !network.usesDHT { await group.next() }
            await group.next()
            group.cancelAll()
        }
        try? await active.save()
    }

    /// Ends at `quit`, or at the end of the input of a harness.
    private static func untilTold(_ contract: EventContract, _ lines: EventLines, _ torrent: Torrent) async {
        if contract.events, await TorrentRun.follow(lines, torrent) || contract.waitGo { return }
        // Nobody will say anything: only a signal ends it.
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
    }
}

/// What is on disk when a command starts.
enum TorrentStart {
    /// The pieces that are there and right: by the record of the last run, or by hashing.
    static func have(_ metainfo: Metainfo, _ storage: DirectoryStorage, _ bar: ProgressBar?) async throws -> Bitfield {
        have(try TorrentFiles.content(metainfo), storage, bar)
    }

    /// Blocks while it hashes.
    static func have(_ content: TorrentContent, _ storage: DirectoryStorage, _ bar: ProgressBar?) -> Bitfield {
        var (verified, unknown) = storage.known()
        guard !unknown.isEmpty else { return verified }
        let step = Int64(content.pieceLength)
        let found = PieceChecker.check(
            unknown,
            of: content,
            in: storage,
            threads: ProcessInfo.processInfo.activeProcessorCount
        ) { done, total in
            bar?.show(NodeProgress(stage: "checking", done: Int64(done) * step, total: Int64(total) * step))
        }
        for piece in found.indices { verified[piece] = true }
        return verified
    }
}
