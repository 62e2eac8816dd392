// SPDX-License-Identifier: Apache-2.0
internal import CDiskLog
internal import Foundation
internal import Simulator

/// What changes below a folder while a body runs.
enum Recorder {
    static func record(_ root: String, _ body: () async throws -> Void) async throws -> [DiskChange] {
        unsafe roost_disk_begin(root)
        do {
            try await body()
        } catch {
            _ = end()
            throw error
        }
        guard let changes = DiskChange.parse(end()) else { throw Failure("the record cannot be read") }
        return changes
    }

    private static func end() -> [UInt8] {
        var count = 0
        guard let bytes = unsafe roost_disk_end(&count) else { return [] }
        // SAFETY: `bytes` are `count` bytes from malloc, ours to free.
        defer { unsafe free(bytes) }
        return unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
    }

    /// What the user's own programs have written is on the device.
    static func syncAll() { roost_disk_sync_all() }

    static func mark(_ text: String) { unsafe roost_disk_mark(text) }
    static func fill(from change: UInt64) { roost_disk_fill(change) }
    static var changes: UInt64 { roost_disk_changes() }
}

struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
