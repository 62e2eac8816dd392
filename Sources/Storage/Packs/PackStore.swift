// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization
internal import Wire

/// Small files, many to a pack: `docs/protocols/storage-layout.md` §3.1, `docs/decisions/0024-small-files-in-packs.md`.
///
/// A file that was appended can be read at once, and counts as held from the next ``flush()`` on. Thread-safe. Memory:
/// about 100 bytes a file, at most ``maximumFiles``.
final class PackStore: Sendable {
    /// Beyond it files are kept singly: the table of all packed ones takes 128 MiB then.
    static let maximumFiles = 1 << 20

    struct Place: Equatable {
        var pack: UInt32
        /// Of the record's header.
        var offset: UInt32
        var length: UInt32
        /// Seconds since 1970.
        var storedAt: UInt32
    }

    struct Pack {
        let file: PackFile
        /// Kept open while it grows, so that no error of writing back is missed.
        var handle: OpenFile?
        var end: Int64 = 0
        /// Bytes of records that count.
        var live: Int64 = 0
        var isSealed = false
        /// Its index knows of every file that was let go.
        var isIndexed = false
        var needsSync = false
        /// It has records between bytes that are none: to be written anew.
        var isBroken = false
        /// Where bytes of files that were let go are, since the last ``PackStore/reclaim()``.
        var dropped: [Range<Int64>] = []

        func opened() throws(StorageError) -> OpenFile {
            if let handle { return handle }
            return try file.open()
        }
    }

    struct State {
        var places: [Digest256: Place] = [:]
        /// Appended and not yet synced.
        var pending: [Digest256: Place] = [:]
        var packs: [UInt32: Pack] = [:]
        var active: UInt32?
        var highest: UInt32 = 0
        /// A pack was made whose name is not yet durable.
        var hasNewName = false
        /// Packs that could not be read when the store was opened, or only in part.
        var faults = 0
        /// Packs of which something behind the last sound record was cut off when the store was opened.
        var cut = 0
        /// The numbers of those that are left alone.
        var unreadable: Set<UInt32> = []
    }

    let folder: String
    let files: OpenFileCache
    /// Beyond this many bytes another pack is begun; at most ``PackFile/fullBytes``.
    private let fullBytes: Int64
    private let state = Mutex(State())
    /// Held while packs are synced, sealed, emptied or moved; taken before ``state``.
    private let upkeep = Mutex(())

    init(
        folder: String,
        files: OpenFileCache,
        fullBytes: Int64 = PackFile.fullBytes
    ) throws(StorageError) {
        self.folder = folder
        self.fullBytes = fullBytes
        self.files = files
        try Disk.makeDirectory(folder)
        let state = try Self.load(folder)
        self.state.withLock { $0 = state }
    }

    func withState<Value>(_ body: (inout State) throws(StorageError) -> Value) throws(StorageError) -> Value {
        try state.withLock { (state) throws(StorageError) in try body(&state) }
    }

    func atUpkeep<Value>(_ body: () throws(StorageError) -> Value) throws(StorageError) -> Value {
        try upkeep.withLock { _ throws(StorageError) in try body() }
    }

    // MARK: Looking

    /// Packs that were not whole when the store was opened.
    var faults: Int { state.withLock { $0.faults } }

    /// Packs that lost their end when the store was opened.
    var cut: Int { state.withLock { $0.cut } }

    /// Packs that could not be read at all when the store was opened.
    var unreadable: Int { state.withLock { $0.unreadable.count } }

    /// From now on only those count that cannot be read, or are still to be written anew.
    func forgetFaults() {
        state.withLock { state in
            state.cut = 0
            state.faults = state.unreadable.count + state.packs.values.count { $0.isBroken }
        }
    }

    /// The length of a file that is held durably.
    func length(of root: Digest256) -> Int64? {
        state.withLock { state in
            guard let place = state.places[root], state.pending[root] == nil else { return nil }
            return Int64(place.length)
        }
    }

    /// The length of a file, durable or not.
    func currentLength(of root: Digest256) -> Int64? { place(of: root).map { Int64($0.length) } }

    private func place(of root: Digest256) -> Place? { state.withLock { $0.places[root] } }

    /// Every durable file: root, length, seconds since 1970 when it came.
    func all() -> [(root: Digest256, length: Int64, storedAt: Int64)] {
        state.withLock { state in
            state.places.compactMap { root, place in
                guard state.pending[root] == nil else { return nil }
                return (root, Int64(place.length), Int64(place.storedAt))
            }
        }
    }

    /// Fills `buffer` from `offset` of a file. Returns false where it is in no pack.
    ///
    /// Fails with ``StorageError/damaged(path:)`` where something else stands in its place.
    func read(
        _ root: Digest256,
        at offset: Int64,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Bool {
        // A compaction may take the pack away between the look and the read, and nothing else does.
        for _ in 0..<3 {
            guard let place = place(of: root) else { return false }
            let (end, overflow) = offset.addingReportingOverflow(Int64(buffer.count))
            guard offset >= 0, !overflow, end <= Int64(place.length) else {
                throw .outOfRange(length: Int64(place.length))
            }
            let pack = PackFile(number: place.pack, folder: folder)
            do throws(StorageError) {
                let file = try files.file(at: pack.path, flags: O_RDWR | O_NOFOLLOW)
                let header = try file.read(at: Int64(place.offset), count: PackRecord.headerBytes)
                let start = Int64(place.offset) + Int64(PackRecord.headerBytes) + offset
                guard let record = PackRecord(header[...]), record.root == root, record.length == Int(place.length),
                    unsafe try file.read(at: start, into: buffer) == buffer.count
                else {
                    if self.place(of: root) != place { continue }
                    throw StorageError.damaged(path: pack.path)
                }
                return true
            } catch .notFound where self.place(of: root) != place {
                continue
            }
        }
        return false
    }

    // MARK: Appending

    /// Appends a file whose bytes were verified. Returns false where it is to be kept by other means: it is too long, or
    /// there are too many.
    func append(_ bytes: UnsafeRawBufferPointer, root: Digest256, storedAt: Int64) throws(StorageError) -> Bool {
        guard (1...PackRecord.maximumLength).contains(bytes.count) else { return false }
        let record = PackRecord(root: root, length: bytes.count, storedAt: storedAt)
        return try withState { (state) throws(StorageError) in
            if state.places[root] != nil { return true }
            guard state.places.count < Self.maximumFiles else { return false }
            let place = unsafe try append(record, bytes, to: &state)
            state.places[root] = place
            state.pending[root] = place
            return true
        }
    }

    /// Writes a record at the end of the pack that grows.
    func append(
        _ record: PackRecord,
        _ bytes: UnsafeRawBufferPointer,
        to state: inout State
    ) throws(StorageError) -> Place {
        let (number, handle, end) = try growing(&state, by: record.total)
        var whole = record.header
        whole.reserveCapacity(record.total)
        unsafe whole.append(contentsOf: bytes)
        // Where this fails, the next record overwrites what there is of it.
        try handle.write(whole, at: end)
        state.packs[number]?.end = end + Int64(record.total)
        state.packs[number]?.live += Int64(record.total)
        state.packs[number]?.needsSync = true
        return Place(
            pack: number,
            offset: UInt32(clamping: end),
            length: UInt32(clamping: record.length),
            storedAt: UInt32(clamping: record.storedAt)
        )
    }

    private func growing(
        _ state: inout State,
        by count: Int
    ) throws(StorageError) -> (number: UInt32, handle: OpenFile, end: Int64) {
        if let active = state.active, let pack = state.packs[active], let handle = pack.handle,
            pack.end + Int64(count) <= fullBytes
        {
            return (active, handle, pack.end)
        }
        let number = Self.next(after: state)
        let file = PackFile(number: number, folder: folder)
        let handle = try OpenFile.open(file.path, flags: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW)
        files.forget(file.path)
        state.packs[number] = Pack(file: file, handle: handle)
        state.active = number
        state.highest = max(state.highest, number)
        state.hasNewName = true
        return (number, handle, 0)
    }

    private static func next(after state: State) -> UInt32 {
        if state.highest < .max { return state.highest + 1 }
        // Only where somebody has put a pack of the highest number there.
        return (1...UInt32.max).first { state.packs[$0] == nil && !state.unreadable.contains($0) } ?? .max
    }

    // MARK: Letting go

    /// Forgets a file. Its bytes go back to the disk with the next ``reclaim()``. Returns whether it was there.
    func remove(_ root: Digest256) throws(StorageError) -> Bool {
        try withState { (state) throws(StorageError) in
            guard let place = state.places.removeValue(forKey: root) else { return false }
            state.pending[root] = nil
            try drop(place, &state)
            return true
        }
    }

    /// Marks a record as let go, and its bytes as to be given back: not before the mark stands, by which alone the next
    /// start knows. An index would say otherwise: it is made anew with the next ``flush()`` or ``reclaim()``.
    func drop(_ place: Place, _ state: inout State) throws(StorageError) {
        state.packs[place.pack]?.live -= Int64(place.length) + Int64(PackRecord.headerBytes)
        let path = PackFile(number: place.pack, folder: folder).path
        try files.file(at: path, flags: O_RDWR | O_NOFOLLOW).write(PackRecord.droppedMark, at: Int64(place.offset))
        if let pack = state.packs[place.pack], pack.isIndexed {
            try Disk.remove(pack.file.indexPath)
            state.packs[place.pack]?.isIndexed = false
        }
        let start = Int64(place.offset) + Int64(PackRecord.headerBytes)
        state.packs[place.pack]?.dropped.append(start..<start + Int64(place.length))
        state.packs[place.pack]?.needsSync = true
    }
}
