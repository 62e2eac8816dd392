// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// A file that stays open while anyone refers to it; closed with the last reference.
///
/// Reads and writes name their offset, so any number of threads may use one `OpenFile` at once.
public final class OpenFile: Sendable {
    let descriptor: Int32
    /// What it was opened as, for messages.
    public let path: String

    init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    static func open(_ path: String, flags: Int32, mode: mode_t = 0o600) throws(StorageError) -> OpenFile {
        let descriptor = unsafe Glibc.open(path, flags | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw .lastError(.open, path) }
        return OpenFile(descriptor: descriptor, path: path)
    }

    /// Opens `path` beneath the folder that this is, following no link on the way.
    func openBeneath(_ path: String, flags: Int32, mode: mode_t = 0) throws(StorageError) -> OpenFile {
        let opened = unsafe roost_open_beneath(descriptor, path, UInt64(flags), UInt64(mode))
        guard opened >= 0 else { throw .lastError(.open, path) }
        return OpenFile(descriptor: opened, path: path)
    }

    func status() throws(StorageError) -> FileStatus {
        var raw = stat()
        guard unsafe fstat(descriptor, &raw) == 0 else { throw .lastError(.inspect, path) }
        return FileStatus(raw)
    }

    /// Fills `buffer` from `offset`; returns how many bytes there were, fewer only at the end of the file.
    public func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(StorageError) -> Int {
        var done = 0
        while done < buffer.count {
            // SAFETY: `done < count`, so the base exists and the rest of the buffer is `count - done` bytes.
            guard let base = buffer.baseAddress else { break }
            let count = unsafe pread(descriptor, base + done, buffer.count - done, off_t(offset) + off_t(done))
            if count == 0 { break }
            if count > 0 {
                done += count
            } else if errno != EINTR {
                throw .lastError(.read, path)
            }
        }
        return done
    }

    /// `count` bytes from `offset`, or fewer at the end of the file.
    public func read(at offset: Int64, count: Int) throws(StorageError) -> [UInt8] {
        var failure: StorageError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: max(0, count)) { buffer, filled in
            do throws(StorageError) {
                filled = unsafe try read(at: offset, into: UnsafeMutableRawBufferPointer(buffer))
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// The next bytes of a stream, none at its end: for pipes, which have no offsets.
    func readNext(upTo count: Int) throws(StorageError) -> [UInt8] {
        while true {
            var result = 0
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                result = unsafe Glibc.read(descriptor, buffer.baseAddress, count)
                filled = max(0, result)
            }
            if result >= 0 { return bytes }
            guard errno == EINTR else { throw .lastError(.read, path) }
        }
    }

    /// Writes all of `bytes` at `offset`.
    public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(StorageError) {
        var done = 0
        while done < bytes.count {
            // SAFETY: as in `read`.
            guard let base = bytes.baseAddress else { break }
            let count = unsafe pwrite(descriptor, base + done, bytes.count - done, off_t(offset) + off_t(done))
            if count >= 0 {
                done += count
            } else if errno != EINTR {
                throw .lastError(.write, path)
            }
        }
    }

    /// Writes all of `bytes` at `offset`.
    public func write(_ bytes: RawSpan, at offset: Int64) throws(StorageError) {
        var failure: StorageError?
        unsafe bytes.withUnsafeBytes { buffer in
            do throws(StorageError) {
                unsafe try write(buffer, at: offset)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    /// Writes all of `bytes` at `offset`.
    func write(_ bytes: [UInt8], at offset: Int64) throws(StorageError) {
        unsafe try write(bytes.span.bytes, at: offset)
    }

    func resize(to length: Int64) throws(StorageError) {
        guard ftruncate(descriptor, off_t(length)) == 0 else { throw .lastError(.resize, path) }
    }

    /// Returns when content and metadata are on the device.
    public func sync() throws(StorageError) {
        guard StorageDefect.current != .acknowledgesEarly else { return }
        guard fsync(descriptor) == 0 else { throw .lastError(.sync, path) }
    }

    /// Returns when the content, and what is needed to read it back, is on the device.
    public func syncData() throws(StorageError) {
        guard StorageDefect.current != .acknowledgesEarly else { return }
        guard fdatasync(descriptor) == 0 else { throw .lastError(.sync, path) }
    }

    /// Returns when everything written to this file's file system is on the device: one call for thousands of files.
    func syncFileSystem() throws(StorageError) {
        guard StorageDefect.current != .acknowledgesEarly else { return }
        guard roost_sync_file_system(descriptor) == 0 else { throw .lastError(.sync, path) }
    }
}

extension StorageError {
    /// The error that errno stands for after a call that failed.
    static func lastError(_ operation: Operation, _ path: String) -> StorageError {
        let code = errno
        switch code {
        case ENOSPC, EDQUOT: return .diskFull(path: path)
        case ENOENT: return .notFound(path: path)
        case EACCES, EPERM, EROFS: return .notPermitted(path: path)
        default: return .io(operation, path: path, code: code)
        }
    }
}
