// SPDX-License-Identifier: Apache-2.0
internal import Storage
internal import Swarm
internal import Wire

/// One file of a torrent as the content store knows it.
struct StoredFile: Equatable, Sendable {
    /// Nil for a file of no bytes and for padding, which are not stored.
    var key: ContentKey?
    var length: Int64
}

extension ContentStore {
    /// Keeps a verified range of a file.
    func keep(_ bytes: RawSpan, of file: StoredFile, at offset: Int64) throws(PieceStorageError) {
        guard let key = file.key else { return }
        var failure: StorageError?
        unsafe bytes.withUnsafeBytes { buffer in
            do throws(StorageError) {
                unsafe try write(buffer, to: key, length: file.length, at: offset)
            } catch {
                failure = error
            }
        }
        if let failure { throw PieceStorageError(failure) }
    }

    /// Fills a range of `bytes` from a file; what is not stored reads as zeros.
    func fill(
        _ bytes: inout MutableRawSpan,
        _ range: Range<Int>,
        from file: StoredFile,
        at offset: Int64
    ) throws(PieceStorageError) {
        var failure: StorageError?
        // SAFETY: the range lies in the span, and the pointer is used within the closure.
        unsafe bytes.withUnsafeMutableBytes { whole in
            let buffer = unsafe UnsafeMutableRawBufferPointer(rebasing: whole[range])
            guard let key = file.key else {
                _ = unsafe buffer.initializeMemory(as: UInt8.self, repeating: 0)
                return
            }
            do throws(StorageError) {
                unsafe try read(key, at: offset, into: buffer)
            } catch {
                failure = error
            }
        }
        if let failure { throw PieceStorageError(failure) }
    }

    /// ``checkpoint()`` in the terms of a torrent's storage.
    func saveAll() throws(PieceStorageError) {
        do throws(StorageError) { try checkpoint() } catch { throw PieceStorageError(error) }
    }
}

extension PieceStorageError {
    init(_ error: StorageError) {
        switch error {
        case .io(_, let path, let code): self = .system(errno: code, path: path)
        // ENOSPC and EACCES are what the system would have said.
        case .diskFull(let path): self = .system(errno: 28, path: path)
        case .notPermitted(let path): self = .system(errno: 13, path: path)
        case .notFound(let path), .damaged(let path), .tooNew(let path, _), .homeInUse(let path, _),
            .tooLarge(let path, _):
            self = .endOfFile(path: path)
        case .outOfRange: self = .endOfFile(path: "content")
        }
    }
}
