// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Feeds
internal import Foundation
internal import Node
internal import Storage
internal import Wire

struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make the home: this device, a first identity with its recovery kit, the port for peers.",
        discussion: "Safe to repeat: what is there stays, and is named."
    )

    @OptionGroup var options: GlobalOptions

    @Option(help: ArgumentHelp("What readers give back: own, while-open or quota.", valueName: "policy"))
    var serve: String?

    @Option(help: ArgumentHelp("What to call the first identity; nobody else sees it.", valueName: "name"))
    var name = "me"

    @Option(help: ArgumentHelp("Also write the identity's recovery kit to this new file.", valueName: "file"))
    var kit: String?

    struct Result: Encodable {
        var home: String
        var peerID: String
        var listen: String
        var serve: String
        var identities: [IdentitySummary]
        /// Nil where there was an identity already.
        var recoveryKit: String?
        /// What this run made; empty where everything was there.
        var made: [String]
    }

    func run() async throws {
        let home = LocalKeys.home(options)
        // Wrong words end here, before anything is made.
        if let serve { _ = try ConfigurationLoader.setting("serve", to: serve, in: "") }
        // A node that runs has all it needs already; otherwise none may start halfway through.
        let lock = try hold(home)
        let result = try withExtendedLifetime(lock) { try make(home) }
        options.print(result, text: Self.text)
    }

    private func hold(_ home: Home) throws -> HomeLock? {
        do throws(StorageError) {
            return try home.open()
        } catch .homeInUse {
            return nil
        } catch {
            throw NodeError(error)
        }
    }

    private func make(_ home: Home) throws -> Result {
        let keys = LocalKeys.open(options)
        var made: [String] = []
        if !keys.hasDevice {
            if PassphraseInput.hasTerminal, try keys.identities().isEmpty, !hasPassphraseFile {
                let question = "Passphrase for the keys (empty: only the file mode protects them): "
                if let passphrase = try PassphraseInput.askForNew(question) { keys.usePassphrase(passphrase) }
            }
            made.append("device")
        }
        let peerID = try keys.peerID()
        let configuration = try configure(&made)
        var recoveryKit: String?
        if try keys.identities().isEmpty {
            recoveryKit = try keys.newIdentity(name: name, kitPath: kit).recoveryKit
            made.append("identity")
        }
        return Result(
            home: home.path,
            peerID: peerID.description,
            listen: configuration.listen.description,
            serve: configuration.effectiveServe.rawValue,
            identities: try keys.identities(),
            recoveryKit: recoveryKit,
            made: made
        )
    }

    private var hasPassphraseFile: Bool {
        options.passphraseFile != nil || ProcessInfo.processInfo.environment["ROOST_PASSPHRASE_FILE"].nonEmpty != nil
    }

    /// Sets `serve` and a port for peers in config.toml where they are not set.
    private func configure(_ made: inout [String]) throws -> NodeConfiguration {
        let file = ConfigurationFile(options.homeDirectory)
        var text = try file.read()
        let before = try ConfigurationLoader(file: text).load()
        let isSet = { (key: String) in before.entries.contains { $0.key == key && $0.source != "default" } }
        if let policy = isSet("serve") ? serve : serve ?? ServeQuestion.ask() {
            text = try ConfigurationLoader.setting("serve", to: policy, in: text)
            made.append("serve")
        }
        if !isSet("listen") {
            let listen = "0.0.0.0:\(Self.drawnPort())"
            text = try ConfigurationLoader.setting("listen", to: listen, in: text)
            made.append("listen")
        }
        if text != (try file.read()) { try file.write(text) }
        return try ConfigurationLoader(file: text, environment: ProcessInfo.processInfo.environment).load()
            .configuration
    }

    /// From the ports that no service is registered for, below those that systems hand to outgoing connections.
    private static func drawnPort() -> UInt16 {
        UInt16.random(in: 20_000...31_999)
    }

    static func text(_ result: Result) -> String {
        var lines = [
            result.made.isEmpty ? "Everything was there already." : "Ready.",
            "  home      \(result.home)",
            "  peer      \(result.peerID)",
            "  peers at  \(result.listen)",
            "  serves    \(result.serve)",
        ]
        lines += result.identities.map { "  identity  " + IDCommand.text($0) }
        if let kit = result.recoveryKit {
            lines += [
                "",
                "Recovery kit of the identity, shown this once. Whoever has it can take the identity over, and it is",
                "the one way to take it back from a thief. Print it or write it down, and keep it apart:", "", kit,
            ]
        }
        lines.append("Next: `roost publish DIR` makes a folder a website, `roost open URL` reads one.")
        return lines.joined(separator: "\n")
    }
}
