// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Why a file could not be replaced.
public enum StateFileError: Error, Equatable {
    case cannotWrite(path: String, errno: Int32)
}

/// A small file that is replaced whole: after a crash it holds the old content or the new, never a mixture.
enum StateFile {
    private static let largest = 64 << 20

    /// Nil where there is none, or none that can be read.
    static func read(_ path: String) -> [UInt8]? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 65_536)
        while content.count <= largest {
            // SAFETY: the count is that of the array.
            let count = unsafe Glibc.read(descriptor, &part, part.count)
            guard count > 0 else { return count == 0 ? content : nil }
            content += part[..<count]
        }
        return nil
    }

    /// Writes beside it, syncs, renames over it and syncs the folder.
    static func write(_ bytes: [UInt8], to path: String) throws(StateFileError) {
        let temporary = path + ".new"
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .cannotWrite(path: temporary, errno: errno) }
        let isWritten = writeAll(bytes, descriptor) && fsync(descriptor) == 0
        let failure = errno
        close(descriptor)
        guard isWritten else { throw .cannotWrite(path: temporary, errno: failure) }
        guard unsafe rename(temporary, path) == 0 else { throw .cannotWrite(path: path, errno: errno) }
        syncFolder(of: path)
    }

    private static func writeAll(_ bytes: [UInt8], _ descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            // SAFETY: the slice's storage lives through the call.
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private static func syncFolder(of path: String) {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let descriptor = unsafe open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }
}
