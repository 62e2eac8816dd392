// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Tells whoever believes that a file is held that it is not, and when it is again.
///
/// Memory: 40 bytes for each of at most ``remembered`` files that have gone and not come back.
final class ContentLosses: Sendable {
    /// Beyond it a file that comes back by other means than its torrent is noticed when it is opened anew.
    static let remembered = 65_536

    private struct State {
        var gone: Set<ContentKey> = []
        var observer: (@Sendable (ContentKey) -> Void)?
    }

    private let state = Mutex(State())

    func observe(_ observer: (@Sendable (ContentKey) -> Void)?) { state.withLock { $0.observer = observer } }

    func lost(_ key: ContentKey) {
        let observer = state.withLock { state in
            if state.gone.count < Self.remembered { state.gone.insert(key) }
            return state.observer
        }
        observer?(key)
    }

    /// To be called when a file has got its place.
    func arrived(_ key: ContentKey) {
        let observer = state.withLock { state in state.gone.remove(key) == nil ? nil : state.observer }
        observer?(key)
    }
}
