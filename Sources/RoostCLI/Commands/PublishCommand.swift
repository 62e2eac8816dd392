// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Node

struct PublishCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Make a folder a new release of a website.",
        discussion: """
            The files are copied into the node's store first, so that later edits of the folder change nothing that was \
            published. It returns as soon as the release is safe on disk; announcing goes on in the background.
            """
    )

    @OptionGroup var options: GlobalOptions
    @OptionGroup var start: StartChoice

    @Argument(help: "The folder.", completion: .directory)
    var directory: String

    @Option(help: ArgumentHelp("The site to update, by its address.", valueName: "address"))
    var site: String?

    @Flag(help: "Make a new site, whatever site the folder belonged to.")
    var new = false

    @Option(help: ArgumentHelp("The identity that endorses the site.", valueName: "identity"))
    var by: String?

    @Option(help: ArgumentHelp("The version, such as 1.2.3.", valueName: "label"))
    var label: String?

    @Option(help: ArgumentHelp("What changed, in a sentence.", valueName: "text"))
    var message: String?

    @Option(
        help: ArgumentHelp(
            "Bring it to so many peers that keep sites for others, picked at random, and wait until they hold all of it.",
            valueName: "count"
        )
    )
    var push: Int?

    func validate() throws {
        guard push.map((1...200).contains) ?? true else {
            throw ValidationError("--push takes a number from 1 to 200.")
        }
        guard !new || site == nil else {
            throw ValidationError("--new makes a new site, --site updates one: give one.")
        }
    }

    func run() async throws {
        let request = PublishRequest(
            directory: URL(fileURLWithPath: directory).standardizedFileURL.path,
            site: site,
            new: new,
            by: by,
            label: label,
            message: message,
            push: push
        )
        let node = try await NodeConnection.open(options, start)
        let bar = ProgressBar(shown: options.showsProgress)
        let result = try await node.publish(request) { bar.show($0) }
        bar.clear()
        options.print(result, text: Self.text)
        if let pushed = result.pushed, pushed.stored < pushed.wanted {
            let shortfall = Self.shortfall(pushed)
            Failure.report(shortfall)
            throw ExitCode(shortfall.kind.exitCode)
        }
    }

    /// The release stands; what was asked for beside it was not all done.
    private static func shortfall(_ pushed: PushReport) -> NodeError {
        let found = pushed.found == 0 ? "no peer was found that keeps sites for others" : "\(pushed.found) were found"
        return NodeError(
            .unavailable,
            "published, and held by \(pushed.stored) of \(pushed.wanted) peers: \(found)",
            remedy: "Leave this node running until readers have it, or push the next release again."
        )
    }

    static func text(_ result: PublishResult) -> String {
        var lines = [
            "Published release \(result.seq) (\(result.label)): \(Plural.count(result.files, "file")), \(ProgressBar.bytes(result.bytes)).",
            "  address  \(result.site)",
            "  browser  \(result.gateway)",
            "  magnet   \(result.magnet)",
            "  this release, for other clients:",
            "    v1     magnet:?xt=urn:btih:\(result.v1)",
            "    v2     magnet:?xt=urn:btmh:1220\(result.v2)",
        ]
        lines += result.skipped.map { "  left out \($0.path): \($0.why)" }
        if let pushed = result.pushed {
            lines.append("  pushed   \(Plural.count(pushed.stored, "peer")) of \(pushed.wanted) hold all of it")
        }
        if let kit = result.recoveryKit {
            lines += [
                "The site's recovery kit, the one way to take it back from a thief of its key, was written to",
                "  \(kit)", "Print it or move it away from this computer.",
            ]
        }
        lines.append("It stays online while this node or a reader who keeps it runs.")
        return lines.joined(separator: "\n")
    }
}
