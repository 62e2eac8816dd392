// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Node

struct FetchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch",
        abstract: "Download a site from its peers into a folder."
    )

    @OptionGroup var options: GlobalOptions
    @OptionGroup var start: StartChoice

    @Argument(help: "A betanet: or magnet: address, a gateway URL, or a .torrent file.")
    var url: String

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The folder to write; it must be absent or empty.", valueName: "dir"),
        completion: .directory
    )
    var output: String?

    @Option(name: .customLong("peer"), help: ArgumentHelp("A peer to dial too.", valueName: "host:port"))
    var peers: [String] = []

    @Flag(help: "Tell every step.")
    var trace = false

    func run() async throws {
        let address = try AddressArgument(url)
        let node = try await NodeConnection.open(options, start)
        let request = FetchRequest(
            link: try await address.link(for: node),
            directory: output.map { URL(fileURLWithPath: $0).standardizedFileURL.path },
            peers: peers,
            trace: trace
        )
        let bar = ProgressBar(shown: options.showsProgress)
        let result = try await node.fetch(request) { bar.show($0) }
        bar.clear()
        options.print(result, text: Self.text)
    }

    static func text(_ result: FetchResult) -> String {
        let place = result.dir.map { " in \($0)" } ?? ""
        let line =
            "Release \(result.seq) (\(result.label)): \(Plural.count(result.files, "file")), \(ProgressBar.bytes(result.bytes))\(place); "
            + "\(ProgressBar.bytes(result.received)) received from \(Plural.count(result.peers, "peer")) "
            + "in \(String(format: "%.1f", result.seconds)) s."
        let renamed = (result.renamed ?? []).map {
            "\(PlainText.word($0)) has another name in the folder: not every system allows the one it has in the site."
        }
        return ((result.trace ?? []).map(PlainText.word) + [line] + renamed).joined(separator: "\n")
    }
}
