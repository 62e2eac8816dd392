// SPDX-License-Identifier: Apache-2.0
public import ArgumentParser
public import BitTorrent
internal import Foundation
internal import Node
internal import Wire

extension TorrentKind: ExpressibleByArgument {}

struct TorrentCreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Write a .torrent for a file or a folder.",
        discussion: """
            Files enter in the order of their names' bytes; only path, content and the executable bit do. Links, sockets \
            and devices are left out and counted.
            """
    )

    @OptionGroup var options: GlobalOptions
    @Argument(help: "The file or folder.") var source: String
    @Option(help: ArgumentHelp("Where to write it.", valueName: "file")) var torrent: String
    @Option(help: "v1, v2 or hybrid.") var kind = TorrentKind.hybrid
    @Option(help: ArgumentHelp("Bytes of a piece, such as 256KiB; by default chosen by size.", valueName: "bytes"))
    var piece: String?
    @Option(help: ArgumentHelp("A tracker; may be repeated.", valueName: "url")) var tracker: [String] = []
    @Option(help: ArgumentHelp("A web seed (BEP 19); may be repeated.", valueName: "url")) var webSeed: [String] = []
    @Option(help: ArgumentHelp("A .torrent with some of the same files (BEP 38); may be repeated.", valueName: "file"))
    var similar: [String] = []
    @Option(help: ArgumentHelp("A collection that it belongs to (BEP 38); may be repeated.", valueName: "name"))
    var collection: [String] = []
    @Flag(help: "Peers may come from the trackers only (BEP 27).") var `private` = false

    func run() throws {
        let bar = ProgressBar(shown: options.showsProgress)
        let metainfo = try build(bar)
        bar.clear()
        do {
            try Data(metainfo.torrentFile).write(to: URL(fileURLWithPath: torrent), options: .atomic)
        } catch {
            throw NodeError(
                .cannotCreate,
                "\(torrent) cannot be written",
                remedy: "Check the folder and its permissions."
            )
        }
        options.print(TorrentSummary(metainfo)) { summary in
            let hashes = [summary.v1, summary.v2].compactMap(\.self).joined(separator: "  ")
            return
                "\(torrent): \(summary.files.count) files, \(ProgressBar.bytes(summary.bytes ?? 0))\n\(hashes)\n\(summary.magnet)"
        }
    }

    private func build(_ bar: ProgressBar) throws -> Metainfo {
        let listing = try SourceListing(source)
        if listing.skipped > 0, !options.quiet, !options.json {
            FileHandle.standardError.write(Data("left out: \(listing.skipped) links or special files\n".utf8))
        }
        let lengths = listing.files.map(\.length)
        let length = try pieceLength() ?? PieceLength.automatic(totalSize: lengths.reduce(0, +))
        let layout: HashPlan.V1Layout =
            switch kind {
            case .v1: .contiguous
            case .v2: .none
            case .hybrid: .padded
            }
        guard let plan = HashPlan(lengths: lengths, pieceLength: length, v1: layout, hasV2: kind.hasV2) else {
            throw Self.unusable("\(length) bytes")
        }
        let hashes = try SourceHasher(listing: listing, plan: plan).run { done in
            bar.show(NodeProgress(stage: "hashing", done: done, total: lengths.reduce(0, +)))
        }
        var builder = MetainfoBuilder(name: listing.name, pieceLength: length, entries: listing.entries(hashes))
        builder.isSingleFile = listing.isSingleFile
        builder.isPrivate = `private`
        builder.sources.trackers = tracker.isEmpty ? [] : [tracker]
        builder.sources.webSeeds = webSeed
        // Outside of the info dictionary, so that the same folder has the same infohashes.
        let others = try similar.flatMap { try TorrentFiles.load($0).infoHashes.short }
        builder.sources.similar = SimilarTorrents(infoHashes: others, collections: collection)
        do {
            return try builder.build(kind, v1Pieces: hashes.v1Pieces)
        } catch {
            throw NodeError(
                .badData,
                "No torrent can be made of \(source): \(error)",
                remedy: "Check its files and names."
            )
        }
    }

    /// In bytes; nil where it is left to us.
    private func pieceLength() throws -> Int? {
        guard let piece else { return nil }
        guard let bytes = ByteCount(piece)?.bytes, let length = Int(exactly: bytes), PieceLength.isValidForV2(length),
            length <= TorrentContent.maximumPieceLength
        else { throw Self.unusable(piece) }
        return length
    }

    private static func unusable(_ length: String) -> NodeError {
        NodeError(
            .usage,
            "A piece length of \(length) does not do for this",
            remedy: "Leave out --piece, or give a power of two from 16KiB to 128MiB."
        )
    }
}
