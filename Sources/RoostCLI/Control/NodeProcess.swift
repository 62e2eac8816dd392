// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Logging
internal import Node
internal import Storage
internal import Wire

/// `roost start` in the foreground: a node until a signal or `roost stop` ends it.
struct NodeProcess {
    private let options: NodeOptions
    private let quiet: Bool
    private let json: Bool

    init(_ global: GlobalOptions, settings: [String: String], endsUnused: Bool) throws {
        let (configuration, entries) = try Self.configuration(global, settings: settings)
        options = NodeOptions(
            home: Home(path: global.homeDirectory.path),
            configuration: configuration,
            entries: entries,
            version: Version.number,
            logger: Self.logger(configuration.logLevel),
            passphrases: PassphraseInput.sources(global),
            endsUnused: endsUnused
        )
        quiet = global.quiet
        json = global.json
    }

    static func configuration(
        _ options: GlobalOptions,
        settings: [String: String]
    ) throws -> (configuration: NodeConfiguration, entries: [ConfigurationEntry]) {
        try ConfigurationLoader(
            file: ConfigurationFile(options.homeDirectory).read(),
            environment: ProcessInfo.processInfo.environment,
            flags: settings
        ).load()
    }

    static func logger(_ level: String) -> Logger {
        var logger = Logger(label: "roost") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = Logger.Level(rawValue: level) ?? .notice
        return logger
    }

    /// Returns when the node has ended and everything is on disk. A signal ends it cleanly once it is ready, and at once before:
    /// nothing is lost by that, since a home bears a kill at any instant.
    func run(ready: ReadySignal) async throws {
        let running = try await RunningNode(options)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await running.run()
                return true
            }
            let address = try await running.ready()
            EndingSignal.trap()
            ready.ready()
            if json {
                Output.line(Output.json(await running.node.status()))
            } else if !quiet, ready.descriptor == nil {
                Output.line("Roost is running. Sites: http://<site>.localhost:\(address.gateway.port)/")
                Output.line("The home page: `roost ui`. End with Ctrl-C or `roost stop`.")
            }
            group.addTask {
                await EndingSignal.wait()
                if !Task.isCancelled { await running.stop() }
                return false
            }
            while let hasEnded = try await group.next() {
                if hasEnded { group.cancelAll() }
            }
        }
    }
}
