// SPDX-License-Identifier: Apache-2.0

/// Reads the configuration from its three sources, once.
public struct ConfigurationLoader: Sendable {
    /// The text of `config.toml`; empty where there is none.
    public var file: String
    /// Variables by name; those that begin with `ROOST_` count.
    public var environment: [String: String]
    /// Values of flags by key, such as `listen`.
    public var flags: [String: String]

    /// Takes each value as it is.
    public init(file: String, environment: [String: String] = [:], flags: [String: String] = [:]) {
        self.file = file
        self.environment = environment
        self.flags = flags
    }

    /// The effective configuration, and where each value came from.
    public func load() throws(NodeError) -> (configuration: NodeConfiguration, entries: [ConfigurationEntry]) {
        let fileValues = try Self.parse(file)
        var configuration = NodeConfiguration()
        var sources: [String: String] = [:]
        for key in ConfigurationKey.all {
            let candidates = [
                ("file", fileValues[key.name]), ("environment", environment[key.variable]),
                ("flag", flags[key.name]),
            ]
            for case (let source, let text?) in candidates {
                guard key.set(&configuration, text) else {
                    throw NodeError(
                        .configuration,
                        "the \(source) value of '\(key.name)' is not \(key.form): '\(text)'",
                        remedy: "Correct it, or remove it to have the default."
                    )
                }
                sources[key.name] = source
            }
        }
        let result = configuration
        let entries = ConfigurationKey.all.map {
            ConfigurationEntry(key: $0.name, value: $0.print(result), source: sources[$0.name] ?? "default")
        }
        return (result, entries)
    }

    /// The text of `config.toml` with `key` set to `value`; comments and order stay.
    public static func setting(_ key: String, to value: String, in text: String) throws(NodeError) -> String {
        guard let known = ConfigurationKey.all.first(where: { $0.name == key }) else { throw unknown(key) }
        var scratch = NodeConfiguration()
        guard known.set(&scratch, value) else {
            throw NodeError(
                .configuration,
                "'\(value)' is not \(known.form)",
                remedy: "Give '\(key)' a value of that form."
            )
        }
        let line = "\(key) = \(FlatTOML.quoted(value))"
        // By bytes: to Swift a carriage return and a line feed are one character.
        var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        if let entry = try entries(in: text).first(where: { $0.key == key }) {
            lines.replaceSubrange(entry.lines, with: [line])
        } else {
            if lines.last == "" { lines.removeLast() }
            lines += [line, ""]
        }
        return lines.joined(separator: "\n")
    }

    private static func parse(_ text: String) throws(NodeError) -> [String: String] {
        var values: [String: String] = [:]
        for entry in try entries(in: text) {
            switch entry.value {
            case .text(let text): values[entry.key] = text
            case .number(let number): values[entry.key] = String(number)
            case .list(let list): values[entry.key] = list.joined(separator: ",")
            case .toggle:
                throw NodeError(
                    .configuration,
                    "'\(entry.key)' in config.toml is neither text nor a number",
                    remedy: "Write it as \(entry.key) = \"…\"."
                )
            }
        }
        return values
    }

    private static func entries(in text: String) throws(NodeError) -> [FlatTOML.Entry] {
        let entries: [FlatTOML.Entry]
        do throws(FlatTOML.Problem) {
            entries = try FlatTOML.parse(text)
        } catch {
            throw NodeError(
                .configuration,
                "config.toml cannot be read: line \(error.line): \(error.says)",
                remedy: "Correct that line, or move the file away to start from the defaults."
            )
        }
        for entry in entries where !ConfigurationKey.all.contains(where: { $0.name == entry.key }) {
            throw unknown(entry.key)
        }
        return entries
    }

    private static func unknown(_ key: String) -> NodeError {
        NodeError(
            .configuration,
            "there is no setting '\(key)'",
            remedy: "Settings are: " + ConfigurationKey.all.map(\.name).joined(separator: ", ") + "."
        )
    }
}
