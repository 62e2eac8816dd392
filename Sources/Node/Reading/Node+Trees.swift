// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Reading a tree that has no history: by the torrent's own list of files.
extension Node {
    private func open(_ tree: BareTree, mayUseNetwork: Bool) async throws(NodeError) -> OpenTree {
        if let open = trees.open(tree) { return open }
        guard mayUseNetwork else {
            throw NodeError(
                .unavailable,
                "this torrent's list of files is not here",
                remedy: "Open it yourself; pages of others do not make this node look for it."
            )
        }
        let hints = hints
        let open = try await swarms.openTree(
            v1: tree.v1,
            v2: tree.v2,
            peers: { hints.known(tree.id) }
        )
        trees.keep(open, of: tree)
        return open
    }

    func entry(
        at path: [String],
        of tree: BareTree,
        mayUseNetwork: Bool
    ) async throws(NodeError) -> ReleaseEntry? {
        let open = try await open(tree, mayUseNetwork: mayUseNetwork)
        if let file = open.file(at: path) {
            let hash = file.key.map { "\($0)" } ?? "empty"
            return .file(ReleaseFile(path: path, length: file.length, contentHash: hash))
        }
        var names: Set<String> = []
        for file in open.files where file.path.count > path.count && file.path.prefix(path.count).elementsEqual(path) {
            names.insert(file.path[path.count] + (file.path.count == path.count + 1 ? "" : "/"))
        }
        return names.isEmpty ? nil : .folder(names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
    }

    func read(
        _ file: ReleaseFile,
        of tree: BareTree,
        from offset: Int64,
        count: Int,
        mayUseNetwork: Bool
    ) async throws(NodeError) -> [UInt8] {
        let open = try await open(tree, mayUseNetwork: mayUseNetwork)
        guard let entry = open.file(at: file.path) else {
            throw NodeError(.notFound, "the torrent has no such file", remedy: "Go back to its first page.")
        }
        guard mayUseNetwork else {
            // Asked first, before the network may be: what is not held is no failure of anything.
            return try await swarms.readHeld(entry, of: open, at: offset, count: count)
        }
        let hints = hints
        return try await swarms.read(
            open,
            entry,
            at: offset,
            count: count,
            peers: { hints.known(tree.id) }
        )
    }
}
