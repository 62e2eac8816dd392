// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Keeps the files used last open, at most `capacity`: opening costs more than reading a block.
///
/// A file that falls out stays open until the calls that use it return.
final class OpenFileCache: Sendable {
    private struct Entry {
        var file: OpenFile
        var lastUse: UInt64
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var clock: UInt64 = 0
        /// The clock at the last ``dropUnused()``.
        var mark: UInt64 = 0
    }

    let capacity: Int
    private let state = Mutex(State())

    init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    var count: Int { state.withLock { $0.entries.count } }

    /// The file at `path`, opened with `flags` if it is not open.
    func file(at path: String, flags: Int32) throws(StorageError) -> OpenFile {
        let known = state.withLock { state -> OpenFile? in
            state.clock += 1
            state.entries[path]?.lastUse = state.clock
            return state.entries[path]?.file
        }
        if let known { return known }
        let file = try OpenFile.open(path, flags: flags)
        state.withLock { state in
            state.entries[path] = Entry(file: file, lastUse: state.clock)
            if state.entries.count > capacity { Self.dropOldest(&state) }
        }
        return file
    }

    func forget(_ path: String) {
        state.withLock { _ = $0.entries.removeValue(forKey: path) }
    }

    /// Closes what was not used since the last call.
    func dropUnused() {
        let unused = state.withLock { state in
            let mark = state.mark
            state.mark = state.clock
            let unused = state.entries.filter { $0.value.lastUse <= mark }
            for path in unused.keys { state.entries[path] = nil }
            return unused
        }
        // Closing is done outside of the lock.
        withExtendedLifetime(unused) {}
    }

    /// Drops a quarter, so that the search for the oldest is rare.
    private static func dropOldest(_ state: inout State) {
        let uses = state.entries.values.map(\.lastUse).sorted()
        let limit = uses[uses.count / 4]
        state.entries = state.entries.filter { $0.value.lastUse > limit }
    }
}
