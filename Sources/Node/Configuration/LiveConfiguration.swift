// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// The configuration in force, some of which may change while the node runs.
final class LiveConfiguration: Sendable {
    /// What holds at once when it is set; everything else is read at the start only.
    static let live = Set(
        ["serve", "quota", "cache-share", "accept-pushes", "trackers", "web-seeds", "allow-local-sources"]
            + ConfigurationKey.limits.map(\.name)
    )

    private let state: Mutex<(configuration: NodeConfiguration, entries: [ConfigurationEntry])>

    init(_ configuration: NodeConfiguration, entries: [ConfigurationEntry]) {
        state = Mutex((configuration, entries))
    }

    var current: NodeConfiguration { state.withLock { $0.configuration } }

    /// Every setting with its value and where that came from.
    var entries: [ConfigurationEntry] { state.withLock { $0.entries } }

    /// Takes over a value that was written to the file; it was checked before.
    func wasSet(_ key: String, to value: String) {
        guard let known = ConfigurationKey.all.first(where: { $0.name == key }) else { return }
        state.withLock { state in
            if Self.live.contains(key) { _ = known.set(&state.configuration, value) }
            let entry = ConfigurationEntry(key: key, value: value, source: "file")
            if let index = state.entries.firstIndex(where: { $0.key == key }) {
                state.entries[index] = entry
            } else {
                state.entries.append(entry)
            }
        }
    }
}
