// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Node

struct StartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start",
        abstract: "Run the node, in the foreground unless --detach."
    )

    @OptionGroup var options: GlobalOptions

    @Option(help: ArgumentHelp("Where peers reach it, TCP and UDP; port 0 takes any.", valueName: "address:port"))
    var listen: String?

    @Option(
        help: ArgumentHelp(
            "IPv6 beside IPv4, on the same port: auto (where the machine has it), off, or an address.",
            valueName: "address"
        )
    )
    var listen6: String?

    @Option(help: ArgumentHelp("A node that the DHT starts from.", valueName: "host:port"))
    var bootstrap: [String] = []

    @Option(help: ArgumentHelp("mainline or none.", valueName: "network"))
    var network: String?

    @Option(help: ArgumentHelp("Where browsers read sites.", valueName: "address:port"))
    var gateway: String?

    @Option(help: ArgumentHelp("Where the control API and the UI answer.", valueName: "address:port"))
    var control: String?

    @Option(help: ArgumentHelp("own, while-open or quota.", valueName: "policy"))
    var serve: String?

    @Flag(help: "Return when it is ready, and leave it running.")
    var detach = false

    @Flag(
        help: ArgumentHelp(
            "End 15 minutes after the last page where nothing is published or pinned.",
            visibility: .hidden
        )
    )
    var whileUsed = false

    @Option(help: ArgumentHelp("An open descriptor to write `ready` to.", visibility: .hidden))
    var readyDescriptor: Int32?

    /// The flags that stand for settings, by key.
    private var settings: [String: String] {
        var values: [String: String] = [:]
        values["listen"] = listen
        values["listen6"] = listen6
        values["network"] = network
        values["gateway"] = gateway
        values["control"] = control
        values["serve"] = serve
        if !bootstrap.isEmpty { values["bootstrap"] = bootstrap.joined(separator: ",") }
        return values
    }

    func run() async throws {
        if detach {
            try await runDetached()
        } else {
            let ready = ReadySignal(descriptor: readyDescriptor)
            do {
                try await NodeProcess(options, settings: settings, endsUnused: whileUsed).run(ready: ready)
            } catch {
                ready.failed(error)
                throw error
            }
        }
    }

    private func runDetached() async throws {
        if let node = try await NodeConnection.running(options) {
            throw NodeError(
                .busy,
                "a node already runs on this home (process \(node.lastStatus.pid))",
                remedy: "Use it, or end it with `roost stop`."
            )
        }
        // The flags are checked here, so that wrong words are reported as such.
        _ = try NodeProcess.configuration(options, settings: settings)
        let flags = settings.sorted { $0.key < $1.key }.flatMap { key, value in
            key == "bootstrap" ? bootstrap.flatMap { ["--bootstrap", $0] } : ["--\(key)", value]
        }
        try await NodeLauncher(options, arguments: flags).launch()
        let node = try await NodeConnection.open(options, .never)
        options.print(node.lastStatus, text: StatusCommand.text)
    }
}
