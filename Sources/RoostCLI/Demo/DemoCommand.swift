// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "See a website come from another peer: three peers on this machine, nothing else.",
        discussion: """
            Publishes a sample site on the first peer, opens it through the second, takes the publisher away, opens it \
            through the third, brings the publisher back and updates the site. Nothing leaves this machine.
            """
    )

    @OptionGroup var options: GlobalOptions

    @Flag(help: "Verify each step, print what was seen and exit.")
    var check = false

    func run() async throws {
        let stays = !check && isatty(STDOUT_FILENO) == 1
        try await Demo(options: options, stays: stays).run()
    }
}
