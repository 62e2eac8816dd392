// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Node

/// A small file that the user names.
struct UserFile {
    let path: String

    init(_ path: String) {
        self.path = path
    }

    /// All of it. Throws `.noInput` where it cannot be read, and `.badData` beyond `limit` bytes.
    func read(limit: Int) throws(NodeError) -> [UInt8] {
        let data: Data?
        do {
            // Nil at the end of the file, which an empty one begins with.
            data = try FileHandle(forReadingFrom: URL(fileURLWithPath: path)).read(upToCount: limit + 1)
        } catch {
            throw NodeError(
                .noInput,
                "\(path) cannot be read",
                remedy: "Check that it is a file, and who may read it."
            )
        }
        guard let data else { return [] }
        guard data.count <= limit else {
            throw NodeError(.badData, "\(path) is larger than \(limit) bytes", remedy: "It is not what belongs there.")
        }
        return Array(data)
    }

    /// Writes a file that is not there yet, readable for its owner alone, durably.
    func create(_ bytes: [UInt8]) throws(NodeError) {
        let descriptor = unsafe Foundation.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            let isThere = errno == EEXIST
            throw NodeError(
                .cannotCreate,
                isThere ? "\(path) is there already" : "\(path) cannot be written",
                remedy: isThere ? "Name a file that is not there yet." : "Name a file in a folder that you may write."
            )
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        do {
            try handle.write(contentsOf: Data(bytes))
            try handle.synchronize()
        } catch {
            throw NodeError(.inputOutput, "writing \(path) failed", remedy: "Check the disk, then try again.")
        }
    }
}
