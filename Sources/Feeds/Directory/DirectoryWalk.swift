// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Lists a folder, or everything below it, saying which node it needs next.
///
/// The entries of one folder come in order; what is in a folder comes after the folder itself.
///
/// Memory: the nodes still to be visited, at most 2,000,000 entries with ``maximumPathBytes`` of paths in all, however the
/// nodes refer to each other.
public struct DirectoryWalk: Sendable {
    /// What was found at one path.
    public struct Item: Equatable, Sendable {
        /// Below the folder where the walk began.
        public let path: [String]
        /// A file, or a folder whose entries come later.
        public let content: DirectoryEntry.Content
    }

    private struct Visit {
        let hash: Digest256
        let path: [String]
        let level: Int
        let bounds: NameBounds
    }

    private var pending: [Visit]
    private var entries = 0
    private var nodes = 0
    private var pathBytes = 0
    private let pathLimit: Int
    private let isRecursive: Bool
    /// Why the walk ended early, if it did.
    public private(set) var failure: DirectoryError?

    /// The most entries, files and folders together.
    static let maximumEntries = 2 * FeedSpecification.files

    /// What the paths of all entries may take in memory: a million of them have less, and a few nodes that name each other
    /// could make gigabytes.
    static let maximumPathBytes = 256 << 20

    /// Walks the folder whose root node is `folder`; with `isRecursive` also those below it.
    public init(folder: Digest256, isRecursive: Bool) {
        self.init(folder: folder, isRecursive: isRecursive, pathLimit: Self.maximumPathBytes)
    }

    init(folder: Digest256, isRecursive: Bool, pathLimit: Int) {
        self.pathLimit = pathLimit
        pending = [Visit(hash: folder, path: [], level: 0, bounds: NameBounds())]
        self.isRecursive = isRecursive
    }

    /// The node that must come next; nil when the walk is over.
    public var needed: Digest256? { pending.last?.hash }

    /// The nodes that will be needed next, for asking ahead; at most `count`.
    public func upcoming(_ count: Int) -> [Digest256] { pending.suffix(count).reversed().map(\.hash) }

    /// Goes on without the node that is needed, and so without what is below it.
    public mutating func skip() { if !pending.isEmpty { pending.removeLast() } }

    /// Takes the bytes for the node that is needed and returns the entries in it.
    ///
    /// Throws, and stays as it was, when the bytes are not that node; damage
    /// inside the directory ends the walk with ``failure``.
    public mutating func receive(_ bytes: [UInt8]) throws(DirectoryError) -> [Item] {
        guard let visit = pending.last else { return [] }
        do throws(DirectoryError) {
            let node = try DirectoryNode.parse(bytes, hash: visit.hash)
            try visit.bounds.check(node)
            pending.removeLast()
            nodes += 1
            guard nodes <= Self.maximumEntries else { throw .tooManyFiles(limit: FeedSpecification.files) }
            return try take(node, of: visit)
        } catch .wrongHash {
            throw .wrongHash
        } catch {
            failure = error
            pending = []
            return []
        }
    }

    private mutating func take(_ node: DirectoryNode, of visit: Visit) throws(DirectoryError) -> [Item] {
        switch node {
        case .index(let children):
            guard visit.level + 1 < DirectoryLookup.maximumLevels else { throw .treeTooDeep }
            for index in children.indices.reversed() {
                pending.append(
                    Visit(
                        hash: children[index].hash,
                        path: visit.path,
                        level: visit.level + 1,
                        bounds: visit.bounds.child(index, of: children)
                    )
                )
            }
            return []
        case .leaf(let leaf):
            entries += leaf.count
            guard entries <= Self.maximumEntries else { throw .tooManyFiles(limit: FeedSpecification.files) }
            let items = leaf.map { Item(path: visit.path + [$0.name], content: $0.content) }
            for item in items { try DirectoryPath.check(item.path) }
            pathBytes += items.reduce(0) { $0 + Self.size(of: $1) }
            guard pathBytes <= pathLimit else { throw .tooManyFiles(limit: FeedSpecification.files) }
            if isRecursive { enterFolders(items) }
            return items
        }
    }

    /// An array of strings, of which the last is its own.
    private static func size(of item: Item) -> Int {
        item.path.count * MemoryLayout<String>.stride + (item.path.last?.utf8.count ?? 0)
    }

    private mutating func enterFolders(_ items: [Item]) {
        for item in items.reversed() {
            guard case .folder(let hash) = item.content else { continue }
            pending.append(Visit(hash: hash, path: item.path, level: 0, bounds: NameBounds()))
        }
    }
}
