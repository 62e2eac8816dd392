// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Keys
internal import Node
internal import Storage
internal import Wire

/// Packs of small files that fill up, lose most of their files, and are written anew: the store alone, with small packs.
struct PacksTrial: Trial {
    static let name = "packs"

    /// Some ten of the files.
    private static let packBytes: Int64 = 8192
    private static let files = (0..<36).map { number in
        (0..<200 + number * 37).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number &* 7 &+ $0 >> 5) }
    }

    private let home: Home

    init(root: String) {
        home = Home(path: root + "/home")
    }

    /// Of at most one block: the root is the hash of it.
    private static func key(_ number: Int) -> ContentKey { .file(root: Hash.sha256(files[number])) }

    private func store() throws(StorageError) -> ContentStore {
        try ContentStore(home: home, openFiles: 8, packBytes: Self.packBytes)
    }

    private func put(_ numbers: some Sequence<Int>, _ store: ContentStore) throws(StorageError) {
        for number in numbers {
            let bytes = Self.files[number]
            try store.write(bytes, to: Self.key(number), length: Int64(bytes.count), at: 0)
        }
        try store.checkpoint()
    }

    func run(begun: () -> Void) async throws {
        Self.mark("begin")
        begun()
        do throws(StorageError) {
            let store = try store()
            try put(0..<24, store)
            Self.mark("held 24")
            // Of every pack more than half: all of them but the one that grows are written anew.
            Self.mark("removes")
            try store.remove(Self.removed.map { Self.key($0) })
            Self.mark("removed")
            try put(24..<36, store)
            Self.mark("held 36")
        } catch {
            throw NodeError(error)
        }
    }

    private static let removed = (0..<24).filter { $0 % 4 != 0 }

    func faults(marks: [String], goesOn: Bool) async -> [String] {
        do throws(StorageError) {
            let store = try store()
            let held = marks.contains("held 36") ? 36 : marks.contains("held 24") ? 24 : 0
            let mayBeGone = marks.contains("removes") ? Set(Self.removed) : []
            var faults = try Self.faults(of: store) { $0 < held && !mayBeGone.contains($0) }
            guard goesOn else { return faults }
            try put(0..<36, store)
            try store.remove((0..<36).filter { $0 % 3 != 0 }.map { Self.key($0) })
            faults += try Self.faults(of: store) { $0 % 3 == 0 }
            return faults + (try Self.faults(of: self.store()) { $0 % 3 == 0 })
        } catch {
            return ["\(error)"]
        }
    }

    private static func faults(of store: ContentStore, mustHold: (Int) -> Bool) throws(StorageError) -> [String] {
        var faults: [String] = []
        for (number, bytes) in files.enumerated() {
            guard store.contains(key(number)) else {
                if mustHold(number) { faults.append("file \(number) is not held") }
                continue
            }
            if try store.read(key(number), at: 0, count: bytes.count) != bytes {
                faults.append("file \(number) has other bytes")
            }
        }
        return faults
    }

    func end() async {}
}
