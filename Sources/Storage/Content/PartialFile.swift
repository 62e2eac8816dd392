// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// A file that is being downloaded: sparse, with the set of its ranges that are verified.
///
/// Only verified bytes are ever given out. Any number of threads may write different ranges at once.
final class PartialFile: Sendable {
    private struct State {
        var verified: ByteRanges
        /// Something was verified since the last record.
        var isDirty = false
    }

    let key: ContentKey
    let length: Int64
    let path: String
    private let files: OpenFileCache
    private let state: Mutex<State>

    /// Continues the file at `path`, or starts it.
    init(key: ContentKey, length: Int64, path: String, files: OpenFileCache) throws(StorageError) {
        self.key = key
        self.length = length
        self.path = path
        self.files = files
        let isNew = !Disk.exists(path)
        var verified = ByteRanges()
        if isNew {
            try OpenFile.open(path, flags: O_RDWR | O_CREAT | O_NOFOLLOW).resize(to: length)
        } else if try Disk.status(of: path).length != length {
            // Left from a length that was wrong: nothing in it counts.
            try OpenFile.open(path, flags: O_RDWR | O_NOFOLLOW).resize(to: length)
        } else if let record = Self.record(at: path + Self.recordSuffix), record.length == length {
            verified = record.verified
        }
        state = Mutex(State(verified: verified))
    }

    static let recordSuffix = ".ranges"

    static func record(at path: String) -> PartialRecord? {
        (try? Disk.read(path, limit: PartialRecord.maximumBytes)).flatMap { PartialRecord($0) }
    }

    var verified: ByteRanges { state.withLock { $0.verified } }
    var isDirty: Bool { state.withLock { $0.isDirty } }
    var isComplete: Bool { state.withLock { $0.verified.contains(0..<length) } }

    private func file() throws(StorageError) -> OpenFile { try files.file(at: path, flags: O_RDWR | O_NOFOLLOW) }

    func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(StorageError) -> Int {
        let (end, overflow) = offset.addingReportingOverflow(Int64(buffer.count))
        guard offset >= 0, !overflow, end <= length else { throw .outOfRange(length: length) }
        guard state.withLock({ $0.verified.contains(offset..<end) }) else { throw .notFound(path: path) }
        return unsafe try file().read(at: offset, into: buffer)
    }

    /// Writes bytes that have been verified; the range counts once they are written.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(StorageError) {
        let (end, overflow) = offset.addingReportingOverflow(Int64(bytes.count))
        guard offset >= 0, !overflow, end <= length else { throw .outOfRange(length: length) }
        unsafe try file().write(bytes, at: offset)
        markVerified(offset..<end)
    }

    /// Counts a range whose bytes on disk were hashed: re-verification after a crash.
    func markVerified(_ range: Range<Int64>) {
        state.withLock {
            $0.verified.insert(range)
            $0.isDirty = true
        }
    }

    /// Stops counting a range whose bytes turned out to be wrong. The record follows at once: a restart must not
    /// bring the claim back.
    func markDamaged(_ range: Range<Int64>) throws(StorageError) {
        let record = state.withLock {
            $0.verified.remove(range)
            return PartialRecord(length: length, verified: $0.verified)
        }
        try Disk.write(record.bytes, durablyTo: path + Self.recordSuffix)
    }

    /// Makes what is verified so far durable.
    ///
    /// Where `synced` is true the caller has synced the data after it took `ranges`; otherwise that happens here, so
    /// that the record never runs ahead of the data.
    func flush(ranges: ByteRanges, synced: Bool) throws(StorageError) {
        if !synced { try file().syncData() }
        let record = PartialRecord(length: length, verified: ranges)
        try Disk.write(record.bytes, durablyTo: path + Self.recordSuffix)
    }

    /// The ranges to record, taken as clean.
    func takeDirtyRanges() -> ByteRanges? {
        state.withLock {
            guard $0.isDirty else { return nil }
            $0.isDirty = false
            return $0.verified
        }
    }

    func markDirty() { state.withLock { $0.isDirty = true } }

    func sync() throws(StorageError) { try file().syncData() }
}
