// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Calls on paths, each with its error typed. Everything that must survive a crash goes through ``write(_:durablyTo:)``
/// or follows its order: write aside, sync, rename, sync the folder.
enum Disk {
    static func makeDirectory(_ path: String, mode: mode_t = 0o700) throws(StorageError) {
        guard unsafe mkdir(path, mode) != 0 else { return }
        // Nothing was looked for here: that a folder cannot stand at this place is not "not found".
        if errno == ENOENT { throw .io(.create, path: path, code: ENOENT) }
        guard errno == EEXIST else { throw .lastError(.create, path) }
        guard try status(of: path, followingLinks: true).kind == .directory else {
            throw .io(.create, path: path, code: ENOTDIR)
        }
    }

    /// Makes `path` and the folders above it.
    static func makeDirectories(_ path: String, mode: mode_t = 0o700) throws(StorageError) {
        var position = path.startIndex
        while let slash = path[position...].firstIndex(of: "/") {
            position = path.index(after: slash)
            if slash > path.startIndex { try makeDirectory(String(path[..<slash]), mode: mode) }
        }
        try makeDirectory(path, mode: mode)
    }

    static func status(of path: String, followingLinks: Bool = false) throws(StorageError) -> FileStatus {
        var raw = stat()
        let result = unsafe fstatat(AT_FDCWD, path, &raw, followingLinks ? 0 : AT_SYMLINK_NOFOLLOW)
        guard result == 0 else { throw .lastError(.inspect, path) }
        return FileStatus(raw)
    }

    static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    static func rename(_ source: String, to destination: String) throws(StorageError) {
        guard unsafe Glibc.rename(source, destination) == 0 else { throw .lastError(.rename, destination) }
    }

    /// Gives a file a second name; where the file system has no such names, the second is the only one.
    static func copyName(of path: String, to second: String) throws(StorageError) {
        guard unsafe link(path, second) != 0 else { return }
        try rename(path, to: second)
    }

    /// That there is no such file is no error.
    static func remove(_ path: String) throws(StorageError) {
        guard unsafe unlink(path) != 0, errno != ENOENT else { return }
        throw .lastError(.remove, path)
    }

    static func setPermissions(_ path: String, _ mode: mode_t) throws(StorageError) {
        guard unsafe chmod(path, mode) == 0 else { throw .lastError(.create, path) }
    }

    /// Makes the names in a folder durable.
    static func syncDirectory(_ path: String) throws(StorageError) {
        try OpenFile.open(path, flags: O_RDONLY | O_DIRECTORY).sync()
    }

    /// The names in a folder as raw bytes, without `.` and `..`, ascending.
    static func names(in folder: OpenFile) throws(StorageError) -> [[UInt8]] {
        // SAFETY: fdopendir takes over the duplicate, which closedir closes; an entry is read before the next readdir.
        let duplicate = fcntl(folder.descriptor, F_DUPFD_CLOEXEC, 0)
        guard duplicate >= 0 else { throw .lastError(.list, folder.path) }
        guard let stream = unsafe fdopendir(duplicate) else {
            close(duplicate)
            throw .lastError(.list, folder.path)
        }
        defer { unsafe closedir(stream) }
        unsafe rewinddir(stream)
        var names: [[UInt8]] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else { break }
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { unsafe Array($0.prefix { $0 != 0 }) }
            if name != [0x2E], name != [0x2E, 0x2E] { names.append(name) }
        }
        guard errno == 0 else { throw .lastError(.list, folder.path) }
        return names.sorted { $0.lexicographicallyPrecedes($1) }
    }

    static func names(in folder: String) throws(StorageError) -> [String] {
        let folder = try OpenFile.open(folder, flags: O_RDONLY | O_DIRECTORY)
        return try names(in: folder).map { String(decoding: $0, as: UTF8.self) }
    }

    /// All of a small file. A pipe in its place is an error, and is not waited for.
    static func read(_ path: String, limit: Int) throws(StorageError) -> [UInt8] {
        let file = try OpenFile.open(path, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        let bytes = try file.read(at: 0, count: min(limit, max(0, Int(try file.status().length))) + 1)
        guard bytes.count <= limit else { throw .tooLarge(path: path, limit: limit) }
        return bytes
    }

    /// Replaces the file at `path`: after a crash at any instant it holds the old bytes or the new ones, and the new
    /// ones once this has returned.
    static func write(_ bytes: [UInt8], durablyTo path: String, mode: mode_t = 0o600) throws(StorageError) {
        let aside = path + ".new"
        do throws(StorageError) {
            let file = try OpenFile.open(aside, flags: O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: mode)
            try file.write(bytes, at: 0)
            try file.sync()
            try rename(aside, to: path)
            try syncDirectory(parent(of: path))
        } catch {
            try? remove(aside)
            throw error
        }
    }

    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Bytes that this user may still write on the file system of `path`.
    static func freeBytes(at path: String) -> Int64? {
        var status = statvfs()
        guard unsafe statvfs(path, &status) == 0 else { return nil }
        let (bytes, overflow) = Int64(status.f_bavail).multipliedReportingOverflow(by: Int64(status.f_frsize))
        return overflow ? nil : bytes
    }
}
