// SPDX-License-Identifier: Apache-2.0
internal import Storage
internal import Wire

/// Files of trees that were here before they were asked for: they may have changed on the disk since
/// (`docs/decisions/0019-pages-are-hashed-when-read.md`).
extension SwarmService {
    /// Hashed at a time, in bytes.
    private static let step = 8 << 20

    /// The files of which something is here.
    func begun(_ tree: OpenTree) async throws(NodeError) -> [OpenTree.File] {
        let content = context.content
        return try await context.blocking.run {
            tree.files.filter { file in file.key.map { content.contains($0) || content.hasBegun($0) } ?? false }
        }
    }

    /// Hashes these files, of which all is here. What is damaged is out of service then; returns whether any is.
    func takeOutDamaged(_ files: [OpenTree.File], of tree: OpenTree) async throws(NodeError) -> Bool {
        var damaged: Set<ContentKey> = []
        let context = context
        for file in files {
            guard let key = file.key else { continue }
            var offset: Int64 = 0
            // One that remembers nothing: what counts is what the disk has now.
            let reader = CheckedReader(context: context)
            while offset < file.length {
                if Task.isCancelled { throw NodeError(unexpected: CancellationError()) }
                let count = Int(min(Int64(Self.step), file.length - offset))
                let (start, proof) = (offset, tree.proof(of: file))
                let read = try await context.blocking.run {
                    try reader.read(key, file.length, at: start, count: count, proof)?.count
                }
                guard let read else { break }
                offset += Int64(read)
            }
            if offset < file.length { damaged.insert(key) }
        }
        // A torrent that is open believes that it has them.
        if !damaged.isEmpty { await follow(damaged) }
        return !damaged.isEmpty
    }
}
