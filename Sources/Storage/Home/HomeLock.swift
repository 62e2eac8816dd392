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
        for attempt in 1...5 {
            if flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 { break }
            guard errno == EWOULDBLOCK || errno == EINTR else { throw .lastError(.lock, path) }
            guard attempt < 5 else {
                throw .homeInUse(path: Disk.parent(of: path), holder: holder(of: path) ?? "another process")
            }
            // Who only asks for the holder has the lock for some microseconds.
            usleep(10_000)
        }
        try file.resize(to: 0)
        try file.write(Array("\(getpid())\n".utf8), at: 0)
        return HomeLock(file: file)
    }

    /// The process that holds a lock file, as "roost (pid 12)"; nil where none does.
    ///
    /// The number in the file is believed only while the lock is held: after a crash or a restart of the machine
    /// another program may have it.
    static func holder(of path: String) -> String? {
        guard let file = try? OpenFile.open(path, flags: O_RDONLY | O_NOFOLLOW) else { return nil }
        guard flock(file.descriptor, LOCK_SH | LOCK_NB) != 0 else { return nil }
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
