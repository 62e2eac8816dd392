// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
internal import Wire

/// Keeps files from being evicted while something is about to refer to them: a release that is not recorded yet, a
/// page that is being read. Ends with ``end()`` or with the last reference.
public final class ContentLease: Sendable {
    private let leases: ContentLeases
    private let roots: Mutex<[Digest256]>

    init(_ roots: [Digest256], in leases: ContentLeases) {
        self.leases = leases
        self.roots = Mutex(roots)
        leases.add(roots)
    }

    deinit { end() }

    /// Lets the files go. Safe to repeat.
    public func end() {
        leases.remove(
            roots.withLock { roots in
                defer { roots = [] }
                return roots
            }
        )
    }
}

/// How many leases each file has.
final class ContentLeases: Sendable {
    private let counts = Mutex<[Digest256: Int]>([:])

    func add(_ roots: [Digest256]) {
        counts.withLock { for root in roots { $0[root, default: 0] += 1 } }
    }

    func remove(_ roots: [Digest256]) {
        counts.withLock { counts in
            for root in roots {
                guard let count = counts[root] else { continue }
                counts[root] = count > 1 ? count - 1 : nil
            }
        }
    }

    func contains(_ root: Digest256) -> Bool { counts.withLock { $0[root] != nil } }

    /// Runs `body` while no lease can begin, unless the file has one. Returns whether it ran.
    func ifFree(_ key: ContentKey, _ body: () throws(StorageError) -> Void) throws(StorageError) -> Bool {
        try counts.withLock { (counts) throws(StorageError) in
            if case .file(let root) = key, counts[root] != nil { return false }
            try body()
            return true
        }
    }
}
