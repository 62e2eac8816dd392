// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Finds one path in a directory, saying which node it needs next.
///
///     needs(hash) ──receive──▶ needs(hash) … ──▶ found | absent | failed
///
/// Memory: the path. At most 64 × 16 nodes are asked for, whatever they contain.
public struct DirectoryLookup: Equatable, Sendable {
    /// What the lookup wants next, or its end.
    public enum Step: Equatable, Sendable {
        /// Wants the node with this hash.
        case needs(Digest256)
        case found(DirectoryEntry.Content)
        /// The release has no such path.
        case absent
        /// Nodes that contradict each other: the publisher's directory is damaged.
        case failed(DirectoryError)
    }

    /// Where the lookup stands: wanting a node, or at one of three ends.
    public private(set) var step: Step
    /// Components still to be found, the next one first: what to ask a holder for together with ``step``.
    public private(set) var remaining: [String]
    /// How many index nodes have been passed in the present folder.
    private var level = 0
    private var bounds = NameBounds()

    /// The most levels of nodes in one folder.
    static let maximumLevels = 16

    /// Looks for `path` below the folder whose root node is `folder`. An empty path is that folder itself.
    public init(folder: Digest256, path: [String]) {
        remaining = path
        step = path.isEmpty ? .found(.folder(folder)) : .needs(folder)
        if !path.isEmpty, (try? DirectoryPath.check(path)) == nil { step = .absent }
    }

    /// Takes the bytes for the node that is needed. Throws, and stays as it was, when they are not that node: ask
    /// somebody else.
    public mutating func receive(_ bytes: [UInt8]) throws(DirectoryError) {
        guard case .needs(let hash) = step, let name = remaining.first else { return }
        let node: DirectoryNode
        do throws(DirectoryError) {
            node = try DirectoryNode.parse(bytes, hash: hash)
            try bounds.check(node)
        } catch .wrongHash {
            throw .wrongHash
        } catch {
            step = .failed(error)
            return
        }
        descend(into: node, for: name)
    }

    private mutating func descend(into node: DirectoryNode, for name: String) {
        switch node {
        case .index(let children):
            level += 1
            guard level < Self.maximumLevels else {
                step = .failed(.treeTooDeep)
                return
            }
            guard let index = children.lastIndex(where: { !DirectoryPath.precedes(name, $0.firstName) }) else {
                step = .absent
                return
            }
            bounds = bounds.child(index, of: children)
            step = .needs(children[index].hash)
        case .leaf(let entries):
            guard let entry = entries.first(where: { DirectoryPath.isSame($0.name, name) }) else {
                step = .absent
                return
            }
            enter(entry)
        }
    }

    private mutating func enter(_ entry: DirectoryEntry) {
        remaining.removeFirst()
        level = 0
        bounds = NameBounds()
        switch entry.content {
        case .folder(let hash) where !remaining.isEmpty: step = .needs(hash)
        case .file where !remaining.isEmpty: step = .absent
        default: step = .found(entry.content)
        }
    }
}

/// Which names a node may hold, by what the node above it says.
struct NameBounds: Equatable, Sendable {
    /// The name that it must start with.
    var first: String?
    /// The name that all of its names come before.
    var end: String?

    func child(_ index: Int, of children: [DirectoryNode.Child]) -> NameBounds {
        NameBounds(
            first: children[index].firstName,
            end: index + 1 < children.count ? children[index + 1].firstName : end
        )
    }

    func check(_ node: DirectoryNode) throws(DirectoryError) {
        let names: (first: String?, last: String?) =
            switch node {
            case .leaf(let entries): (entries.first?.name, entries.last?.name)
            case .index(let children): (children.first?.firstName, children.last?.firstName)
            }
        if let first {
            guard let name = names.first, DirectoryPath.isSame(name, first) else { throw .invalidNode }
        }
        if let end, let last = names.last {
            guard DirectoryPath.precedes(last, end) else { throw .invalidNode }
        }
    }
}
