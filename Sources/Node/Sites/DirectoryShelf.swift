// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Storage
internal import Synchronization
internal import Wire

/// The directory nodes that this node has: as received, or derived from the files of a release it knows.
///
/// All calls block. Memory: ``maximumBytes`` of derived nodes; a larger directory is written to the database instead.
final class DirectoryShelf: Sendable {
    static let maximumBytes = 8 << 20

    /// Files that are looked for in the directory of a release that is here in part.
    static let maximumKnown = 65_536

    private struct Derived {
        let root: Digest256
        let nodes: [Digest256: [UInt8]]
        let bytes: Int
        /// All nodes of the directory.
        let isWhole: Bool
    }

    private let metadata: MetadataStore
    /// The one used last at the end.
    private let derived = Mutex<[Derived]>([])
    /// One is derived at a time: with 100,000 files that takes seconds and hundreds of megabytes, and a reader asks for many nodes
    /// at once. Who asks meanwhile waits, and finds what was made.
    private let deriving = Mutex(0)
    /// How many were derived since the start.
    var derivations: Int { deriving.withLock { $0 } }

    init(metadata: MetadataStore) {
        self.metadata = metadata
    }

    /// A node by its hash; nil where it is not here.
    func node(_ hash: Digest256, site: Digest256) throws(NodeError) -> [UInt8]? {
        do {
            if let node = try known(hash) { return node }
            return try deriving.withLock { count in try known(hash) ?? derived(hash, site, &count) }
        } catch {
            throw NodeError(unexpected: error)
        }
    }

    private func known(_ hash: Digest256) throws -> [UInt8]? {
        try inMemory(hash) ?? metadata.read { try $0.directoryNode(hash) }
    }

    private func derived(_ hash: Digest256, _ site: Digest256, _ count: inout Int) throws -> [UInt8]? {
        if let release = try metadata.read({ try $0.release(directory: hash) }) {
            count += 1
            try derive(release)
        } else if let release = try metadata.read({ try Self.newest(of: site, $0) }), !has(release.directory) {
            // Who asks for a node below the root has had the root: most likely that of the newest release.
            count += 1
            try derive(release)
        }
        return try known(hash)
    }

    /// Keeps nodes that were checked against their hashes.
    func keep(_ nodes: [SiteResult.DirectoryBytes], site: Digest256) throws(NodeError) {
        do {
            try metadata.write { connection in
                for node in nodes { try connection.saveDirectoryNode(node.bytes, hash: node.hash, site: site) }
            }
        } catch {
            throw NodeError(error)
        }
    }

    /// Has nodes that were checked at hand, until others push them out. Does not block.
    func remember(_ nodes: [SiteResult.DirectoryBytes]) {
        guard let root = nodes.first?.hash else { return }
        let bytes = Dictionary(nodes.map { ($0.hash, $0.bytes) }) { first, _ in first }
        remember(Derived(root: root, nodes: bytes, bytes: nodes.reduce(0) { $0 + $1.bytes.count }, isWhole: false))
    }

    private func remember(_ entry: Derived) {
        derived.withLock { derived in
            derived.removeAll { $0.root == entry.root && !$0.isWhole }
            derived.append(entry)
            var total = derived.reduce(0) { $0 + $1.bytes }
            while total > Self.maximumBytes { total -= derived.removeFirst().bytes }
        }
    }

    /// The files in those parts of a release's directory that were received, at most ``maximumKnown`` of them. A release
    /// of which nothing is known has none.
    func knownFiles(of release: SiteRelease) throws -> [DirectoryFile] {
        try metadata.read { connection in
            var walk = DirectoryWalk(folder: release.release.directory, isRecursive: true)
            var files: [DirectoryFile] = []
            while let hash = walk.needed, files.count < Self.maximumKnown {
                guard let bytes = try connection.directoryNode(hash), let items = try? walk.receive(bytes) else {
                    walk.skip()
                    continue
                }
                for case .file(let file) in items.map(\.content) { files.append(file) }
            }
            return files
        }
    }

    private func inMemory(_ hash: Digest256) -> [UInt8]? {
        derived.withLock { derived in
            guard let index = derived.lastIndex(where: { $0.nodes[hash] != nil }) else { return nil }
            let entry = derived.remove(at: index)
            derived.append(entry)
            return entry.nodes[hash]
        }
    }

    private func has(_ root: Digest256) -> Bool { derived.withLock { $0.contains { $0.root == root && $0.isWhole } } }

    private static func newest(of site: Digest256, _ connection: MetadataConnection) throws -> ReleaseRecord? {
        guard let last = try connection.releases(of: site).last else { return nil }
        return try connection.release(directory: last.directory)
    }

    private func derive(_ release: ReleaseRecord) throws {
        guard let manifest = try metadata.read({ try $0.soundManifest(of: release.site, seq: release.seq) }) else {
            return
        }
        var nodes: [Digest256: [UInt8]] = [:]
        var bytes = 0
        let root = try SiteTree(manifest: manifest, pieceLength: release.pieceLength).directory { hash, node in
            nodes[hash] = node
            bytes += node.count
        }
        if bytes > Self.maximumBytes {
            return try keep(nodes.map { SiteResult.DirectoryBytes(hash: $0.key, bytes: $0.value) }, site: release.site)
        }
        remember(Derived(root: root, nodes: nodes, bytes: bytes, isWhole: true))
    }
}
