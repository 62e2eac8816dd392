// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

/// Packs the entries of one folder into nodes as they come.
///
/// Where a node ends follows from names alone (`docs/protocols/directory.md` §3), so that adding a file to a large
/// folder changes one leaf and the nodes above it, not all that follow.
struct FolderBuilder {
    private struct Level {
        var items: [UInt8] = []
        var count = 0
        var firstName = ""
        /// Above the leaves: the child that was entered last.
        var lastChild = Digest256.zero
    }

    /// A node of up to this size travels in one message.
    static let targetBytes = 15_000
    /// A name ends a node with a chance of 1 in 64.
    private static let mask: UInt8 = 63

    let name: String
    private var lastName: String?
    private var levels = [Level()]

    init(name: String) {
        self.name = name
    }

    mutating func add(_ entry: DirectoryEntry, emit: (Digest256, [UInt8]) -> Void) throws(DirectoryError) {
        guard lastName.map({ DirectoryPath.precedes($0, entry.name) }) ?? true else { throw .notAscending }
        lastName = entry.name
        append(entry.value, name: entry.name, level: 0, emit)
    }

    /// Emits what is left and returns the hash of the folder's root node.
    mutating func finish(emit: (Digest256, [UInt8]) -> Void) -> Digest256 {
        var level = 0
        while level < levels.count - 1 {
            if levels[level].count > 0 { close(level, emit) }
            level += 1
        }
        if level > 0, levels[level].count == 1 { return levels[level].lastChild }
        return emitNode(level, emit)
    }

    private mutating func append(_ value: CBOR, name: String, level: Int, _ emit: (Digest256, [UInt8]) -> Void) {
        let bytes = value.encoded
        if levels[level].items.count + bytes.count > Self.targetBytes { close(level, emit) }
        if levels[level].count == 0 { levels[level].firstName = name }
        levels[level].items += bytes
        levels[level].count += 1
        // Two at least, so that every level is at most half of the one below.
        if levels[level].count >= 2, Hash.sha256(Array(name.utf8))[level % 32] & Self.mask == 0 { close(level, emit) }
    }

    /// Ends the node of `level` and enters it one level up.
    private mutating func close(_ level: Int, _ emit: (Digest256, [UInt8]) -> Void) {
        let firstName = levels[level].firstName
        let hash = emitNode(level, emit)
        levels[level] = Level()
        if levels.count == level + 1 { levels.append(Level()) }
        levels[level + 1].lastChild = hash
        append(DirectoryNode.Child(firstName: firstName, hash: hash).value, name: firstName, level: level + 1, emit)
    }

    private func emitNode(_ level: Int, _ emit: (Digest256, [UInt8]) -> Void) -> Digest256 {
        let kind: CBOR = level == 0 ? 0 : 1
        var bytes: [UInt8] = [0x82]
        kind.encode(into: &bytes)
        Self.appendArrayHead(levels[level].count, to: &bytes)
        bytes += levels[level].items
        let hash = Hash.sha256(bytes)
        emit(hash, bytes)
        return hash
    }

    /// The head of an array of `count` elements (RFC 8949 §3): at most 15,000 items stand in a node.
    private static func appendArrayHead(_ count: Int, to bytes: inout [UInt8]) {
        switch count {
        case 0..<24: bytes.append(0x80 | UInt8(count))
        case 24..<256: bytes += [0x98, UInt8(count)]
        default:
            bytes.append(0x99)
            bytes.append(bigEndian: UInt16(count))
        }
    }
}
