// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Makes the directory of a Tree from its files in order, each node handed out as soon as it is complete.
///
/// The same files give the same nodes and the same root everywhere. Memory: one open node a folder on the path.
public struct DirectoryBuilder {
    private var folders = [FolderBuilder(name: "")]
    private var files = 0

    /// No files so far.
    public init() {}

    /// Adds the next file.
    ///
    /// Paths must ascend by the raw UTF-8 bytes of each component in turn. `emit` is given the hash and the bytes of
    /// each node that this completes.
    public mutating func add(
        _ file: DirectoryFile,
        at path: [String],
        emit: (Digest256, [UInt8]) -> Void
    ) throws(DirectoryError) {
        try DirectoryPath.check(path)
        guard files < FeedSpecification.files else { throw .tooManyFiles(limit: FeedSpecification.files) }
        files += 1
        let shared = zip(folders.dropFirst().map(\.name), path.dropLast()).prefix { DirectoryPath.isSame($0, $1) }.count
        try closeFolders(downTo: shared + 1, emit)
        for name in path.dropLast().dropFirst(shared) { folders.append(FolderBuilder(name: name)) }
        let entry = DirectoryEntry(name: path[path.count - 1], content: .file(file))
        try folders[folders.count - 1].add(entry, emit: emit)
    }

    /// Completes the directory and returns the hash of its root node.
    public mutating func finish(emit: (Digest256, [UInt8]) -> Void) throws(DirectoryError) -> Digest256 {
        try closeFolders(downTo: 1, emit)
        return folders[0].finish(emit: emit)
    }

    private mutating func closeFolders(
        downTo count: Int,
        _ emit: (Digest256, [UInt8]) -> Void
    ) throws(DirectoryError) {
        while folders.count > count, var folder = folders.popLast() {
            let hash = folder.finish(emit: emit)
            try folders[folders.count - 1].add(DirectoryEntry(name: folder.name, content: .folder(hash)), emit: emit)
        }
    }
}
