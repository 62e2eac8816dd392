// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// The files of one torrent that are open, the least recently used one making room.
///
/// Bound: ``capacity`` descriptors, and those that a thread is using at the moment.
final class OpenFiles: Sendable {
    static let capacity = 128

    private struct Entry {
        var file: FileDescriptor
        var isWritable: Bool
        var lastUse: UInt64
    }

    private struct State {
        var entries: [Int: Entry] = [:]
        var clock: UInt64 = 0
    }

    private let state = Mutex(State())

    /// The open file of this number, if it is open in the mode wanted.
    func file(_ number: Int, forWriting: Bool) -> FileDescriptor? {
        state.withLock { state in
            guard let entry = state.entries[number], entry.isWritable || !forWriting else { return nil }
            state.clock += 1
            state.entries[number]?.lastUse = state.clock
            return entry.file
        }
    }

    func insert(_ file: FileDescriptor, number: Int, isWritable: Bool) {
        // What makes room is closed outside of the lock.
        let removed: FileDescriptor? = state.withLock { state in
            var removed: FileDescriptor?
            if state.entries.count >= Self.capacity,
                let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse })
            {
                removed = oldest.value.file
                state.entries[oldest.key] = nil
            }
            state.clock += 1
            state.entries[number] = Entry(file: file, isWritable: isWritable, lastUse: state.clock)
            return removed
        }
        withExtendedLifetime(removed) {}
    }
}
