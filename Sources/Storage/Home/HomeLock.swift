// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Holds a home for one process: one home is one node. Let go with the last reference, and by the kernel when the
/// process ends however it ends.
public final class HomeLock: Sendable {
    private let file: OpenFile

    private init(file: OpenFile) {
        self.file = file
    }

    /// Fails with ``StorageError/homeInUse(path:holder:)`` where another process, or this one, already holds it.
    static func acquire(_ path: String) throws(StorageError) -> HomeLock {
        let file = try OpenFile.open(path, flags: O_RDWR | O_CREAT | O_NOFOLLOW)
        guard flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 else {
            guard errno == EWOULDBLOCK else { throw .lastError(.lock, path) }
            throw .homeInUse(path: path, holder: holder(of: path) ?? "another process")
        }
        try file.resize(to: 0)
        try file.write(Array("\(getpid())\n".utf8), at: 0)
        return HomeLock(file: file)
    }

    /// The process named in a lock file, as "roost (pid 12)"; nil where the file names no running process.
    static func holder(of path: String) -> String? {
        guard let text = try? Disk.read(path, limit: 32),
            let pid = Int32(String(decoding: text, as: UTF8.self).prefix { $0.isNumber }), pid > 0,
            kill(pid, 0) == 0 || errno == EPERM
        else { return nil }
        // Files under /proc tell no length: ask for more than a name has.
        guard let status = try? OpenFile.open("/proc/\(pid)/comm", flags: O_RDONLY).read(at: 0, count: 64) else {
            return "pid \(pid)"
        }
        let name = String(decoding: status.prefix { $0 != 0x0A }, as: UTF8.self)
        return "\(name) (pid \(pid))"
    }
}
