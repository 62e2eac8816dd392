// SPDX-License-Identifier: Apache-2.0
internal import Storage

extension Node {
    /// The effective configuration, secrets hidden.
    public func configuration() async -> [ConfigurationEntry] { context.settings.entries }

    /// Writes the setting to `config.toml`. Those of ``LiveConfiguration/live`` hold at once, the others from the next
    /// start on.
    public func setConfiguration(_ key: String, to value: String) async throws(NodeError) {
        let home = context.home
        try await context.blocking.run {
            let text = try Self.configurationText(home)
            try home.write(
                Array(try ConfigurationLoader.setting(key, to: value, in: text).utf8),
                to: home.configuration
            )
        }
        context.settings.wasSet(key, to: value)
        await swarms.followLimits()
        context.admission.allowUnsolicited(context.configuration.effectiveAcceptPushes)
    }

    /// Empty only where there is no file: one that cannot be read must not be replaced by a single line.
    static func configurationText(_ home: Home) throws(StorageError) -> String {
        do throws(StorageError) {
            return String(decoding: try home.read(home.configuration), as: UTF8.self)
        } catch .notFound {
            return ""
        }
    }
}
