// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import Wire

/// One file that holds many small ones, each behind a ``PackRecord``; it only grows at its end.
///
/// Beside a pack that grows no more stands its index: the headers of all records in order. It is written after the pack
/// was synced, so a pack that has one was whole then; one without is read and hashed from beginning to end.
struct PackFile {
    static let suffix = ".pack"
    static let indexSuffix = ".index"
    /// Beyond this many bytes another pack is begun. What a start after a crash hashes, and what a compaction copies.
    static let fullBytes: Int64 = 32 << 20

    /// Where a record stands.
    struct Entry {
        var record: PackRecord
        /// Of its header.
        var offset: Int64
    }

    let number: UInt32
    let path: String

    init(number: UInt32, folder: String) {
        self.number = number
        path = "\(folder)/\(number)\(Self.suffix)"
    }

    /// The pack of this file name; nil for what the store has not named.
    init?(name: String, folder: String) {
        guard name.hasSuffix(Self.suffix), let number = UInt32(name.dropLast(Self.suffix.count)) else { return nil }
        self.init(number: number, folder: folder)
        guard path == "\(folder)/\(name)" else { return nil }
    }

    var indexPath: String { path.dropLast(Self.suffix.count) + Self.indexSuffix }

    func open() throws(StorageError) -> OpenFile { try OpenFile.open(path, flags: O_RDWR | O_NOFOLLOW) }

    // MARK: Index

    /// The entries by the index; nil where there is none, or it is not that of a pack of `length` bytes.
    func indexed(length: Int64) -> [Entry]? {
        let limit = Int(Self.fullBytes) + PackRecord.maximumLength
        guard let bytes = try? Disk.read(indexPath, limit: limit), bytes.count % PackRecord.headerBytes == 0 else {
            return nil
        }
        var entries: [Entry] = []
        entries.reserveCapacity(bytes.count / PackRecord.headerBytes)
        var offset: Int64 = 0
        for start in stride(from: 0, to: bytes.count, by: PackRecord.headerBytes) {
            guard let record = PackRecord(bytes[start..<start + PackRecord.headerBytes]) else { return nil }
            entries.append(Entry(record: record, offset: offset))
            offset += Int64(record.total)
        }
        return offset == length ? entries : nil
    }

    /// Writes the index of a pack that was synced: headers as they stand in it now.
    ///
    /// Returns false where the pack is not a chain of records.
    func writeIndex(of file: OpenFile, length: Int64) throws(StorageError) -> Bool {
        var bytes: [UInt8] = []
        var offset: Int64 = 0
        while offset < length {
            let header = try file.read(at: offset, count: PackRecord.headerBytes)
            guard let record = PackRecord(header[...]) else { return false }
            bytes += header
            offset += Int64(record.total)
        }
        guard offset == length else { return false }
        try Disk.write(bytes, durablyTo: indexPath)
        return true
    }

    // MARK: Reading through

    /// What a pack has that has no index, each file compared with its root, and where the last sound record ends. It is
    /// whole where nothing else stands between its records.
    ///
    /// A damaged record does not hide those after it: they are looked for byte by byte. Memory: a file's length.
    func scan(_ file: OpenFile) throws(StorageError) -> (entries: [Entry], end: Int64, isWhole: Bool) {
        let length = try file.status().length
        var entries: [Entry] = []
        var (offset, end): (Int64, Int64) = (0, 0)
        var isWhole = true
        while offset < length {
            guard let entry = try entry(in: file, at: offset) else {
                guard let next = try nextHeader(in: file, after: offset, length: length) else { break }
                offset = next
                continue
            }
            if entry.offset > end { isWhole = false }
            entries.append(entry)
            offset += Int64(entry.record.total)
            end = offset
        }
        return (entries, end, isWhole)
    }

    /// The record at an offset, if it is sound.
    private func entry(in file: OpenFile, at offset: Int64) throws(StorageError) -> Entry? {
        guard let record = PackRecord(try file.read(at: offset, count: PackRecord.headerBytes)[...]) else { return nil }
        let bytes = try file.read(at: offset + Int64(PackRecord.headerBytes), count: record.length)
        guard bytes.count == record.length, !record.isHeld || record.matches(bytes) else { return nil }
        return Entry(record: record, offset: offset)
    }

    private func nextHeader(in file: OpenFile, after start: Int64, length: Int64) throws(StorageError) -> Int64? {
        var offset = start + 1
        while offset + Int64(PackRecord.headerBytes) < length {
            let window = try file.read(at: offset, count: 1 << 16)
            guard window.count > PackRecord.headerBytes else { return nil }
            for position in 0...window.count - PackRecord.headerBytes where window[position + 1] == 0x72 {
                if PackRecord(window[position..<position + PackRecord.headerBytes]) != nil {
                    return offset + Int64(position)
                }
            }
            offset += Int64(window.count - PackRecord.headerBytes + 1)
        }
        return nil
    }
}
