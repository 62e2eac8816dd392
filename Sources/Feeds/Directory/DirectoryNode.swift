// SPDX-License-Identifier: Apache-2.0
internal import Keys
public import Wire

/// One hash-addressed node of a directory (`docs/protocols/directory.md` §2).
///
/// A folder is a tree of nodes: leaves hold its entries in order of their names, index nodes the first name and the
/// hash of each child.
public enum DirectoryNode: Equatable, Sendable {
    /// A node below an index node.
    public struct Child: Equatable, Sendable {
        /// The first name in the child's leaves: with the next child's it bounds what the child may hold.
        public var firstName: String
        /// SHA-256 of the child's bytes.
        public var hash: Digest256

        /// Nothing is checked here: the node that holds it is.
        public init(firstName: String, hash: Digest256) {
            self.firstName = firstName
            self.hash = hash
        }
    }

    case leaf([DirectoryEntry])
    case index([Child])

    /// The largest node that is read, in bytes.
    public static let maximumBytes = 65_536

    /// - Throws: unless `bytes` have `hash` and are a node.
    public static func parse(_ bytes: [UInt8], hash: Digest256) throws(DirectoryError) -> DirectoryNode {
        guard bytes.count <= maximumBytes else { throw .nodeTooLarge }
        guard Hash.sha256(bytes) == hash else { throw .wrongHash }
        let value: CBOR
        do throws(CBORError) {
            value = try CBOR.decode(bytes, limits: CBOR.Limits(bytes: maximumBytes, depth: 3, values: maximumBytes))
        } catch {
            throw .malformed(error)
        }
        guard let parts = value.array, parts.count == 2, let items = parts[1].array else { throw .invalidNode }
        switch parts[0].unsigned {
        case 0: return .leaf(try entries(items))
        case 1: return .index(try children(items))
        default: throw .invalidNode
        }
    }

    private static func entries(_ items: [CBOR]) throws(DirectoryError) -> [DirectoryEntry] {
        var entries: [DirectoryEntry] = []
        for item in items {
            guard let entry = DirectoryEntry(item) else { throw .invalidNode }
            try check(entry.name, after: entries.last?.name)
            entries.append(entry)
        }
        return entries
    }

    private static func children(_ items: [CBOR]) throws(DirectoryError) -> [Child] {
        guard !items.isEmpty else { throw .invalidNode }
        var children: [Child] = []
        for item in items {
            guard let parts = item.array, parts.count == 2, let name = parts[0].text,
                let hash = parts[1].fixed(Digest256.self)
            else { throw .invalidNode }
            try check(name, after: children.last?.firstName)
            children.append(Child(firstName: name, hash: hash))
        }
        return children
    }

    private static func check(_ name: String, after last: String?) throws(DirectoryError) {
        guard DirectoryPath.isValid(name) else { throw .invalidName }
        guard last.map({ DirectoryPath.precedes($0, name) }) ?? true else { throw .invalidNode }
    }
}

extension DirectoryNode.Child {
    var value: CBOR { [.text(firstName), .bytes(hash)] }
}

extension DirectoryEntry {
    var value: CBOR {
        switch content {
        case .folder(let hash): [.text(name), .bytes(hash)]
        case .file(let file):
            [
                .text(name), .integer(file.length), .bytes(file.root?.bytes ?? []), .integer(Int64(file.firstPiece)),
                file.isExecutable ? 1 : 0,
            ]
        }
    }

    init?(_ value: CBOR) {
        guard let parts = value.array, let name = parts.first?.text else { return nil }
        switch parts.count {
        case 2:
            guard let hash = parts[1].fixed(Digest256.self) else { return nil }
            self.init(name: name, content: .folder(hash))
        case 5:
            guard let file = DirectoryFile(parts) else { return nil }
            self.init(name: name, content: .file(file))
        default: return nil
        }
    }
}

extension DirectoryFile {
    fileprivate init?(_ parts: [CBOR]) {
        guard let length = parts[1].integer, (0...FeedSpecification.releaseBytes).contains(length),
            let rootBytes = parts[2].bytes, let piece = parts[3].integer, (0...Int64(Int32.max)).contains(piece),
            let flags = parts[4].unsigned, flags <= 1
        else { return nil }
        let root = Digest256(rootBytes)
        // Exactly the files with content have a root.
        guard (length > 0) == (root != nil), root != nil || (rootBytes.isEmpty && piece == 0) else { return nil }
        self.init(length: length, root: root, firstPiece: Int(piece), isExecutable: flags == 1)
    }
}
