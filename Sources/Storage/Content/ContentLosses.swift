// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Tells whoever believes that a file is held that it is not, and when it is again.
///
/// Memory: 40 bytes for each of at most ``remembered`` files that have gone and not come back.
final class ContentLosses: Sendable {
    typealias Observer = @Sendable (ContentKey) -> Void

    /// Beyond it a file that comes back by other means than its torrent is noticed when it is opened anew.
    static let remembered = 65_536

    private struct State {
        var gone: Set<ContentKey> = []
        var observers: [Observer] = []
        var count: UInt64 = 0
    }

    private let state = Mutex(State())

    func observe(_ observer: @escaping Observer) { state.withLock { $0.observers.append(observer) } }

    /// How often something has gone.
    var count: UInt64 { state.withLock { $0.count } }

    func lost(_ key: ContentKey) {
        let observers = state.withLock { state in
            if state.gone.count < Self.remembered { state.gone.insert(key) }
            state.count += 1
            return state.observers
        }
        for observer in observers { observer(key) }
    }

    /// To be called when a file has got its place.
    func arrived(_ key: ContentKey) {
        let observers = state.withLock { state in state.gone.remove(key) == nil ? [] : state.observers }
        for observer in observers { observer(key) }
    }
}
