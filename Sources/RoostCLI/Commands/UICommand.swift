// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Node
internal import Wire

struct UICommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ui",
        abstract: "Open the node's home page in the browser."
    )

    @OptionGroup var options: GlobalOptions
    @OptionGroup var start: StartChoice

    @Flag(name: .customLong("print"), help: "Only print the address; it works once, within a minute.")
    var printOnly = false

    func run() async throws {
        let node = try await NodeConnection.open(options, start)
        let answer: [String: String] = try await node.client.post(.code, ControlDone())
        let url = "http://roost.localhost:\(node.client.endpoint.port)/#\(answer["code"] ?? "")"
        options.print(["url": url]) { _ in url }
        if !printOnly { Browser.open(url) }
    }
}
