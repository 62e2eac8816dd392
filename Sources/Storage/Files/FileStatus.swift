// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// What the file system says of a file: enough to notice that it changed.
struct FileStatus: Equatable, Sendable {
    enum Kind: Sendable { case file, directory, link, other }

    var kind: Kind
    var device: UInt64
    var inode: UInt64
    var length: Int64
    /// Last change of content and of metadata, in nanoseconds since 1970.
    var modified: Int64
    var changed: Int64
    var permissions: UInt32
    var owner: UInt32
    /// How many names it has; 0 once it is removed.
    var links: UInt64

    init(_ raw: stat) {
        kind =
            switch raw.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .directory
            case S_IFLNK: .link
            default: .other
            }
        device = UInt64(raw.st_dev)
        inode = UInt64(raw.st_ino)
        length = Int64(raw.st_size)
        modified = Self.nanoseconds(raw.st_mtim)
        changed = Self.nanoseconds(raw.st_ctim)
        permissions = UInt32(raw.st_mode & 0o7777)
        owner = UInt32(raw.st_uid)
        links = UInt64(raw.st_nlink)
    }

    private static func nanoseconds(_ time: timespec) -> Int64 {
        // A file system may hold any date: past the range of 292 years around 1970 only "unequal" matters.
        Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }

    /// Whether the owner may run it: the one permission that a site keeps.
    var isExecutable: Bool { permissions & 0o100 != 0 }
}
