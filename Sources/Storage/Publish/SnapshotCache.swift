// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

/// Which files of a folder have which root, so that the next publish copies only what changed.
///
/// A file counts as unchanged where device, inode, length and both times are those of the last publish, and the times
/// were more than two seconds old then: within one tick of a clock a file can change twice and look the same. A wrong
/// guess costs an old file in a new release, never a release that differs from its hashes: those are over the copy.
/// A cache that does not read back is as if it were not there. Memory: about 100 bytes a file.
struct SnapshotCache: Equatable {
    private struct Key: Hashable {
        var device: UInt64
        var inode: UInt64
    }

    private struct Value: Equatable {
        var length: Int64
        var modified: Int64
        var changed: Int64
        var root: Digest256
    }

    private static let magic = Array("roostsc1".utf8)
    private static let entryBytes = 72
    /// A million files.
    static let maximumBytes = 8 + 32 + entryBytes << 20
    /// Nanoseconds.
    private static let settled: Int64 = 2_000_000_000

    private var entries: [Key: Value] = [:]

    init() {}

    /// The root that the file had when it was in this state; nil where it is not known.
    func root(of status: FileStatus) -> Digest256? {
        guard let value = entries[Key(device: status.device, inode: status.inode)],
            value.length == status.length, value.modified == status.modified, value.changed == status.changed
        else { return nil }
        return value.root
    }

    /// Remembers the file, unless it changed less than two seconds before `now`: when its copy was begun, in
    /// nanoseconds since 1970.
    mutating func note(_ status: FileStatus, root: Digest256, now: Int64) {
        guard status.modified < now - Self.settled, status.changed < now - Self.settled else { return }
        entries[Key(device: status.device, inode: status.inode)] = Value(
            length: status.length,
            modified: status.modified,
            changed: status.changed,
            root: root
        )
    }

    var bytes: [UInt8] {
        var bytes = Self.magic
        for (key, value) in entries.sorted(by: { ($0.key.device, $0.key.inode) < ($1.key.device, $1.key.inode) }) {
            bytes.append(bigEndian: key.device)
            bytes.append(bigEndian: key.inode)
            bytes.append(bigEndian: UInt64(bitPattern: value.length))
            bytes.append(bigEndian: UInt64(bitPattern: value.modified))
            bytes.append(bigEndian: UInt64(bitPattern: value.changed))
            bytes.append(value.root)
        }
        bytes.append(Hash.sha256(bytes))
        return bytes
    }

    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 40, bytes.starts(with: Self.magic),
            Hash.sha256(bytes.dropLast(32)).bytes.elementsEqual(bytes.suffix(32)),
            (bytes.count - 40).isMultiple(of: Self.entryBytes)
        else { return nil }
        var reader = ByteReader(bytes.dropFirst(8).dropLast(32))
        while let device = reader.read(UInt64.self), let inode = reader.read(UInt64.self),
            let length = reader.read(UInt64.self), let modified = reader.read(UInt64.self),
            let changed = reader.read(UInt64.self), let root = reader.read(Digest256.self)
        {
            entries[Key(device: device, inode: inode)] = Value(
                length: Int64(bitPattern: length),
                modified: Int64(bitPattern: modified),
                changed: Int64(bitPattern: changed),
                root: root
            )
        }
    }
}
