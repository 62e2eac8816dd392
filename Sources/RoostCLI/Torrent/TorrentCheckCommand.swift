// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BitTorrent
internal import Foundation
internal import Node
internal import Swarm

struct TorrentCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Hash a torrent's files again, with all cores."
    )

    struct Report: Encodable {
        var pieces: Int
        var verified: Int
        var complete: Bool
    }

    @OptionGroup var options: GlobalOptions
    @OptionGroup var contract: EventContract
    @Argument(help: "A .torrent file.") var torrent: String
    @Option(help: ArgumentHelp("The folder that holds the torrent's file or folder.", valueName: "dir")) var dir: String

    func run() async throws {
        let lines = contract.makeLines()
        lines.say("ready")
        guard await contract.waitForGo(lines) else { return }
        let metainfo = try TorrentFiles.load(torrent)
        let content = try TorrentFiles.content(metainfo)
        let storage = try TorrentFiles.storage(metainfo, at: dir, mustExist: true)
        let bar = ProgressBar(shown: options.showsProgress && !contract.events)
        let verified = PieceChecker.checkAll(content, in: storage) { done, total in
            let step = Int64(metainfo.pieceLength)
            bar.show(NodeProgress(stage: "checking", done: Int64(done) * step, total: Int64(total) * step))
        }
        bar.clear()
        let report = Report(pieces: verified.count, verified: verified.setCount, complete: verified.isFull)
        if contract.events {
            lines.say(
                "checked",
                ["progress": verified.count == 0 ? 1 : Double(verified.setCount) / Double(verified.count)]
            )
            return
        }
        options.print(report) { "\($0.verified) of \($0.pieces) pieces are right" }
        if !report.complete { throw ExitCode(65) }
    }
}

extension PieceChecker {
    /// All pieces, with all cores.
    static func checkAll(
        _ content: TorrentContent,
        in storage: DirectoryStorage,
        progress: (@Sendable (Int, Int) -> Void)? = nil
    ) -> Bitfield {
        check(
            (0..<content.pieceCount).map { PieceIndex(Int32($0)) },
            of: content,
            in: storage,
            threads: ProcessInfo.processInfo.activeProcessorCount,
            progress: progress
        )
    }
}
