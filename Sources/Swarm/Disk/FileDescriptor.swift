// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import Synchronization

/// An open file, closed when nobody uses it any more.
final class FileDescriptor: Sendable {
    let raw: Int32
    let path: String
    /// One thread writes at a time. The kernel lets no second one into the file either, and has it spin until the first is done.
    private let writing = Mutex(())

    init(raw: Int32, path: String) {
        self.raw = raw
        self.path = path
    }

    deinit { _ = Glibc.close(raw) }

    /// Opens the folder itself, made if it is not there.
    static func folder(_ path: String) throws(PieceStorageError) -> FileDescriptor {
        if unsafe mkdir(path, 0o755) != 0, errno != EEXIST { throw .system(errno: errno, path: path) }
        let raw = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard raw >= 0 else { throw .system(errno: errno, path: path) }
        return FileDescriptor(raw: raw, path: path)
    }

    /// Opens a file beneath this folder; no link on the way is followed.
    func openBeneath(_ path: String, flags: Int32, mode: UInt32) -> (file: FileDescriptor?, errno: Int32) {
        let opened = unsafe roost_open_beneath(raw, path, UInt64(flags), UInt64(mode))
        guard opened >= 0 else { return (nil, errno) }
        return (FileDescriptor(raw: opened, path: path), 0)
    }

    /// Makes the folders that `components` name, each beneath the one before, following no link.
    func makeFolders(_ components: some Collection<String>) throws(PieceStorageError) {
        var parent = self
        for name in components {
            if unsafe mkdirat(parent.raw, name, 0o755) != 0, errno != EEXIST {
                throw .system(errno: errno, path: name)
            }
            let (folder, error) = parent.openBeneath(name, flags: O_RDONLY | O_DIRECTORY, mode: 0)
            guard let folder else { throw .system(errno: error, path: name) }
            parent = folder
        }
    }

    func write(_ bytes: RawSpan, at offset: Int64) throws(PieceStorageError) {
        try writing.withLock { _ throws(PieceStorageError) in try writeAll(bytes, at: offset) }
    }

    private func writeAll(_ bytes: RawSpan, at offset: Int64) throws(PieceStorageError) {
        var done = 0
        while done < bytes.byteCount {
            let rest = bytes.extracting(done..<bytes.byteCount)
            // SAFETY: the pointer is used within the closure, for as many bytes as the span has.
            let count = unsafe rest.withUnsafeBytes {
                unsafe pwrite(raw, $0.baseAddress, $0.count, off_t(offset) + off_t(done))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .system(errno: count == 0 ? ENOSPC : errno, path: path) }
            done += count
        }
    }

    func read(into bytes: inout MutableRawSpan, _ range: Range<Int>, at offset: Int64) throws(PieceStorageError) {
        var done = range.lowerBound
        while done < range.upperBound {
            // SAFETY: the pointer is used within the closure, for bytes that lie in the span.
            let count = unsafe bytes.withUnsafeMutableBytes { buffer in
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[done..<range.upperBound])
                return unsafe pread(raw, rest.baseAddress, rest.count, off_t(offset) + off_t(done - range.lowerBound))
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .system(errno: errno, path: path) }
            guard count > 0 else { throw .endOfFile(path: path) }
            done += count
        }
    }

    /// Size in bytes and time of the last change in nanoseconds.
    func stamp() -> FileStamp? {
        var status = stat()
        guard unsafe fstat(raw, &status) == 0 else { return nil }
        return FileStamp(status)
    }

    /// Of a file in this folder; all zero where there is none. Looks only: a link is not followed at the end.
    func stamp(of path: String) -> FileStamp {
        var status = stat()
        // SAFETY: the structure is filled by the call and lives on our stack.
        guard unsafe fstatat(raw, path, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            return FileStamp(size: 0, modified: 0)
        }
        return FileStamp(status)
    }

    func truncate(to length: Int64) { _ = ftruncate(raw, off_t(length)) }

    func sync() throws(PieceStorageError) {
        guard fsync(raw) == 0 else { throw .system(errno: errno, path: path) }
    }
}

/// By what a file is recognised as unchanged.
struct FileStamp: Equatable, Sendable {
    var size: Int64
    var modified: Int64

    init(size: Int64, modified: Int64) {
        self.size = size
        self.modified = modified
    }

    init(_ status: stat) {
        self.init(
            size: Int64(status.st_size),
            modified: Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
        )
    }
}
