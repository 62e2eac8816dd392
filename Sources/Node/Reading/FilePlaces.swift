// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Synchronization

/// Where files lie that were looked up a moment ago, so that each part of a body does not look them up again.
///
/// Thread-safe. Memory: at most two generations of ``generation`` entries of some 300 bytes.
final class FilePlaces: Sendable {
    private struct Key: Hashable {
        var release: ReleaseReference
        var path: [String]
    }

    static let generation = 1024

    private let state = Mutex<(young: [Key: DirectoryFile], old: [Key: DirectoryFile])>(([:], [:]))

    func remember(_ file: DirectoryFile, at path: [String], in release: ReleaseReference) {
        state.withLock { state in
            if state.young.count >= Self.generation { state = ([:], state.young) }
            state.young[Key(release: release, path: path)] = file
        }
    }

    func recall(_ path: [String], in release: ReleaseReference) -> DirectoryFile? {
        let key = Key(release: release, path: path)
        return state.withLock { $0.young[key] ?? $0.old[key] }
    }
}
