// SPDX-License-Identifier: Apache-2.0
public import Wire

/// A file in a Tree: what is needed to get and check it by its own path alone.
public struct DirectoryFile: Equatable, Sendable {
    /// In bytes.
    public var length: Int64
    /// Its root in BEP 52; nil for an empty file, which has none.
    public var root: Digest256?
    /// Its first piece in the v2 torrent; 0 for an empty file.
    public var firstPiece: Int
    /// Whoever unpacks the Tree may run the file: the only permission that is kept.
    public var isExecutable: Bool

    /// `length` 0 goes with no root and piece 0; nothing is checked here.
    public init(length: Int64, root: Digest256?, firstPiece: Int, isExecutable: Bool = false) {
        self.length = length
        self.root = root
        self.firstPiece = firstPiece
        self.isExecutable = isExecutable
    }
}

/// What a name in a folder stands for.
public struct DirectoryEntry: Equatable, Sendable {
    /// A file with what it takes to get it, or the way further down.
    public enum Content: Equatable, Sendable {
        case file(DirectoryFile)
        /// The hash of the folder's root node.
        case folder(Digest256)
    }

    /// One component of a path.
    public var name: String
    /// What the name leads to.
    public var content: Content

    /// Nothing is checked here: builder and node refuse bad names.
    public init(name: String, content: Content) {
        self.name = name
        self.content = content
    }
}

/// The rules for paths and their order: raw UTF-8 bytes, component by component.
enum DirectoryPath {
    static let maximumBytes = 1024
    static let maximumDepth = 64

    static func check(_ path: [String]) throws(DirectoryError) {
        guard path.count <= maximumDepth else { throw .pathTooDeep(limit: maximumDepth) }
        guard path.reduce(path.count - 1, { $0 + $1.utf8.count }) <= maximumBytes else {
            throw .pathTooLong(limit: maximumBytes)
        }
        guard !path.isEmpty, path.allSatisfy(isValid) else { throw .invalidName }
    }

    static func isValid(_ name: String) -> Bool {
        guard !name.isEmpty, name.utf8.count <= maximumBytes else { return false }
        return name != "." && name != ".." && !name.utf8.contains { $0 == 0 || $0 == UInt8(ascii: "/") }
    }

    /// Not `String`'s own order, which treats different bytes of one character as equal.
    static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    static func isSame(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }
}
