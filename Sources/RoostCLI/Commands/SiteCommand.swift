// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Node

struct SiteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "site",
        abstract: "The sites of this node: own, pinned and read.",
        subcommands: [
            List.self, Show.self, Releases.self, Pin.self, Unpin.self, Remove.self, Withdraw.self, Rotate.self,
            Recover.self,
        ]
    )

    static func text(_ site: SiteSummary) -> String {
        let marks = [site.own ? "own" : nil, site.pinned ? "pinned" : nil, site.withdrawn ? "withdrawn" : nil]
            .compactMap { $0 }
        var lines = [
            "\(PlainText.word(site.title))  \(marks.joined(separator: ", "))",
            "  address  \(site.site)",
            "  browser  \(site.gateway)",
            site.seq == 0
                ? "  release  none found yet"
                : "  release  \(site.seq) (\(site.label)), \(Plural.count(site.files, "file")), \(ProgressBar.bytes(site.stored)) of "
                    + "\(ProgressBar.bytes(site.bytes)) here, \(Plural.count(site.replicas, "other holder")) seen",
        ]
        if let endorsers = site.endorsers, !endorsers.isEmpty {
            lines.append("  endorsed by  \(endorsers.joined(separator: ", "))")
        }
        lines += (site.holders ?? []).map { "  held by  \($0)" }
        lines += site.warnings.map { "  WARNING  \($0)" }
        return lines.joined(separator: "\n")
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List them.")
        @OptionGroup var options: GlobalOptions
        @OptionGroup var start: StartChoice

        func run() async throws {
            let node = try await NodeConnection.open(options, start)
            options.print(try await node.sites()) { sites in
                sites.isEmpty
                    ? "No sites yet: publish a folder, or open an address."
                    : sites.map(SiteCommand.text).joined(separator: "\n")
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one.")
        @OptionGroup var options: GlobalOptions
        @OptionGroup var start: StartChoice
        @Argument(help: "The site's address.") var address: String
        @Flag(help: "Look for those who hold it now, and list them.") var replicas = false

        func run() async throws {
            let node = try await NodeConnection.open(options, start)
            let site = replicas ? try await node.siteWithHolders(address) : try await node.site(address)
            options.print(site, text: SiteCommand.text)
        }
    }

    struct Releases: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show its provable history.")
        @OptionGroup var options: GlobalOptions
        @OptionGroup var start: StartChoice
        @Argument(help: "The site's address.") var address: String

        func run() async throws {
            let node = try await NodeConnection.open(options, start)
            options.print(try await node.releases(of: address)) { releases in
                releases.map { release in
                    let marks = (release.withdrawn ? " withdrawn" : "") + (release.valid ? "" : " disowned")
                    return
                        "\(release.seq)  \(release.label)\(marks)  \(release.time)  \(Plural.count(release.files, "file")), "
                        + "\(ProgressBar.bytes(release.bytes))  \(PlainText.word(release.message))"
                }.joined(separator: "\n")
            }
        }
    }
}

/// What the commands that change one site share.
protocol SiteChanging: AsyncParsableCommand {
    var options: GlobalOptions { get }
    var start: StartChoice { get }
    var address: String { get }
    func change() throws -> SiteChange
    func text(_ site: SiteSummary) -> String
}

extension SiteChanging {
    func run() async throws {
        let node = try await NodeConnection.open(options, start)
        options.print(try await node.change(address, change()), text: text)
    }

    func text(_ site: SiteSummary) -> String { SiteCommand.text(site) }
}

extension SiteCommand {
    struct Pin: SiteChanging {
        static let configuration = CommandConfiguration(abstract: "Keep it whole, whatever the quota.")
        @OptionGroup var options: GlobalOptions
        @OptionGroup var start: StartChoice
        @Argument(help: "The site's address.") var address: String
        func change() -> SiteChange { .pin }
    }

    struct Unpin: SiteChanging {
        static let configuration = CommandConfiguration(abstract: "Leave it to the quota again.")
        @OptionGroup var options: GlobalOptions
        @OptionGroup var start: StartChoice
        @Argument(help: "The site's address.") var address: String
        func change() -> SiteChange { .unpin }
    }

    struct Remove: SiteChanging {
        static let configuration = CommandConfiguration(
            abstract: "Delete it here. Other holders keep what they have: nobody can delete it for them."
        )
        @OptionGroup var options: GlobalOptions
        @OptionGroup var start: StartChoice
        @Argument(help: "The site's address.") var address: String
        func change() -> SiteChange { .remove }

        /// The summary is of what was there.
        func text(_ site: SiteSummary) -> String {
            (["Removed \(PlainText.word(site.title))  \(site.site)"] + site.warnings.map { "  \($0)" }).joined(
                separator: "\n"
            )
        }
    }

    struct Withdraw: SiteChanging {
        static let configuration = CommandConfiguration(
            abstract: "Say in its history that a release should no longer be shown."
        )
        @OptionGroup var options: GlobalOptions
        @OptionGroup var start: StartChoice
        @Argument(help: "The site's address.") var address: String
        @Option(help: ArgumentHelp("The release; the newest unless given.", valueName: "n")) var seq: UInt64?
        func change() -> SiteChange { .withdraw(sequence: seq) }
    }

    struct Rotate: SiteChanging {
        static let configuration = CommandConfiguration(abstract: "Change to its pre-committed next key.")
        @OptionGroup var options: GlobalOptions
        @OptionGroup var start: StartChoice
        @Argument(help: "The site's address.") var address: String
        func change() -> SiteChange { .rotate }
    }

    struct Recover: SiteChanging {
        static let configuration = CommandConfiguration(abstract: "Take a site back after its key was stolen.")
        @OptionGroup var options: GlobalOptions
        @OptionGroup var start: StartChoice
        @Argument(help: "The site's address.") var address: String
        @Option(help: ArgumentHelp("A file with the recovery kit.", valueName: "file")) var kit: String

        func change() throws -> SiteChange {
            .recover(kit: String(decoding: try UserFile(kit).read(limit: 64 * 1024), as: UTF8.self))
        }
    }
}
