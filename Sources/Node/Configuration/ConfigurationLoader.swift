// SPDX-License-Identifier: Apache-2.0
internal import TOMLKit

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
        _ = try parse(text)
        let line = "\(key) = \"\(value)\""
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if let index = lines.firstIndex(where: { $0.split(separator: "=").first?.trimmed == key }) {
            lines[index] = line
        } else {
            if lines.last == "" { lines.removeLast() }
            lines += [line, ""]
        }
        return lines.joined(separator: "\n")
    }

    private static func parse(_ text: String) throws(NodeError) -> [String: String] {
        let table: TOMLTable
        do {
            table = try TOMLTable(string: text)
        } catch {
            throw NodeError(
                .configuration,
                "config.toml is not valid TOML: \(error)",
                remedy: "Correct the line that it names, or move the file away to start from the defaults."
            )
        }
        var values: [String: String] = [:]
        for key in table.keys {
            guard ConfigurationKey.all.contains(where: { $0.name == key }) else { throw unknown(key) }
            guard let value = table[key].flatMap({ Self.text($0) }) else {
                throw NodeError(
                    .configuration,
                    "'\(key)' in config.toml is neither text nor a number",
                    remedy: "Write it as \(key) = \"…\"."
                )
            }
            values[key] = value
        }
        return values
    }

    private static func text(_ value: any TOMLValueConvertible) -> String? {
        if let text = value.string { return text }
        if let number = value.int { return String(number) }
        if let list = value.array { return list.compactMap { $0.string }.joined(separator: ",") }
        return nil
    }

    private static func unknown(_ key: String) -> NodeError {
        NodeError(
            .configuration,
            "there is no setting '\(key)'",
            remedy: "Settings are: " + ConfigurationKey.all.map(\.name).joined(separator: ", ") + "."
        )
    }
}
