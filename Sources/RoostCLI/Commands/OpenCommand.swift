// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Node

struct OpenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open",
        abstract: "Open a site in the browser."
    )

    @OptionGroup var options: GlobalOptions
    @OptionGroup var start: StartChoice

    @Argument(help: "A betanet: or magnet: address, a gateway URL, or a .torrent file.")
    var url: String

    @Flag(name: .customLong("print"), help: "Only print the address for the browser.")
    var printOnly = false

    func run() async throws {
        let address = try AddressArgument(url)
        let node = try await NodeConnection.open(options, start)
        let result = try await node.open(try await address.link(for: node))
        options.print(result) { "\($0.url)\n\($0.exposed)" }
        if !printOnly { Browser.open(result.url) }
    }
}
