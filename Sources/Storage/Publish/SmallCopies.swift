// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// The copies of a folder's small files, one behind the other in one file beneath `tmp/`: a file for each would cost more
/// than its bytes. Any number of threads may append.
final class SmallCopies: Sendable {
    let path: String
    let file: OpenFile
    private let end = Atomic<Int64>(0)

    init(path: String) throws(StorageError) {
        self.path = path
        file = try OpenFile.open(path, flags: O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW)
    }

    /// Returns where the bytes are.
    func append(_ bytes: [UInt8]) throws(StorageError) -> Int64 {
        let offset = end.wrappingAdd(Int64(bytes.count), ordering: .relaxed).oldValue
        try file.write(bytes, at: offset)
        return offset
    }
}
