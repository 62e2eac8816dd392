// SPDX-License-Identifier: Apache-2.0

/// The one way in which a name from a torrent, a peer's metadata or a directory becomes a name on this machine.
///
/// Paths are given in the torrent's order, and the first of two that collide keeps its name: whether they are equal, differ
/// in letter case or Unicode composition, or one is a folder where the other is a file. Later ones get ` (2)`, ` (3)` …
/// before their extension; folders that differ only in case become one. Memory: the distinct names once each.
public struct PathSanitizer: Sendable {
    private enum Entry: Sendable {
        case file
        /// A folder, as it was first spelt.
        case folder(String)
    }

    /// By the folded path. `String` compares by canonical equivalence, so composition makes no difference to a key.
    private var taken: [String: Entry] = [:]
    /// Where to go on numbering for a folded path, so that a million equal names do not take a million tries each.
    private var numbers: [String: Int] = [:]
    /// What a folder is called instead, by the folded path that a file has taken.
    private var movedFolders: [String: String] = [:]
    /// The folder of the file before, which is mostly that of the next.
    private var last = Folder()

    private struct Folder: Sendable {
        /// As it was given.
        var path: ArraySlice<String> = []
        var components: [String] = []
        var folded = ""
        var changes: NameChanges = []

        func isGiven(as other: ArraySlice<String>) -> Bool {
            // By bytes: `==` takes names that differ in composition for one.
            path.elementsEqual(other) { $0.utf8.elementsEqual($1.utf8) }
        }
    }

    /// For one folder: names collide with those added before only.
    public init() {}

    /// One path by itself, without regard to others.
    public static func sanitize(_ path: [String]) throws(PathError) -> SanitizedPath {
        var sanitizer = PathSanitizer()
        return try sanitizer.add(path)
    }

    /// One name by itself, such as that of a torrent.
    public static func sanitize(name: String) -> (name: String, changes: NameChanges) {
        var sanitizer = NameSanitizer()
        let result = sanitizer.sanitize(name)
        return (result, sanitizer.changes)
    }

    /// The paths at which the files of a torrent are kept, by file number; nil for padding, which is not kept.
    public static func sanitize(_ files: [TorrentFile]) throws(PathError) -> [SanitizedPath?] {
        var sanitizer = PathSanitizer()
        var paths: [SanitizedPath?] = []
        paths.reserveCapacity(files.count)
        sanitizer.taken.reserveCapacity(files.count)
        for file in files { paths.append(file.isPadding ? nil : try sanitizer.add(file.path)) }
        return paths
    }

    /// The next file's path.
    public mutating func add(_ path: [String]) throws(PathError) -> SanitizedPath {
        guard let last = path.last else { throw .empty }
        guard path.count <= TorrentSpecification.maximumPathDepth else {
            throw .tooDeep(limit: TorrentSpecification.maximumPathDepth)
        }
        if !self.last.isGiven(as: path.dropLast()) { enter(path.dropLast()) }
        var names = NameSanitizer()
        var changes = self.last.changes
        var components = self.last.components
        components.append(file(names.sanitize(last), in: self.last.folded, changes: &changes))
        let bytes = components.reduce(components.count - 1) { $0 + $1.utf8.count }
        guard bytes <= TorrentSpecification.maximumPathBytes else {
            throw .tooLong(limit: TorrentSpecification.maximumPathBytes)
        }
        return SanitizedPath(components: components, changes: changes.union(names.changes))
    }

    /// Finds the names of a file's folders.
    private mutating func enter(_ path: ArraySlice<String>) {
        var names = NameSanitizer()
        var entered = Folder(path: path)
        for name in path {
            let chosen = folder(names.sanitize(name), in: entered.folded, changes: &entered.changes)
            entered.components.append(chosen)
            entered.folded += chosen.lowercased() + "/"
        }
        entered.changes.formUnion(names.changes)
        last = entered
    }

    private mutating func folder(_ name: String, in parent: String, changes: inout NameChanges) -> String {
        let key = parent + name.lowercased()
        switch taken[key] {
        case nil:
            taken[key] = .folder(name)
            return name
        case .folder(let spelling):
            if !spelling.utf8.elementsEqual(name.utf8) { changes.insert(.collision) }
            return spelling
        case .file:
            changes.insert(.collision)
            // Remembered, so that all files of the folder stay together.
            if let moved = movedFolders[key] { return moved }
            let moved = free(name, in: parent)
            taken[parent + moved.lowercased()] = .folder(moved)
            movedFolders[key] = moved
            return moved
        }
    }

    private mutating func file(_ name: String, in parent: String, changes: inout NameChanges) -> String {
        let key = parent + name.lowercased()
        guard taken[key] != nil else {
            taken[key] = .file
            return name
        }
        changes.insert(.collision)
        let chosen = free(name, in: parent)
        taken[parent + chosen.lowercased()] = .file
        return chosen
    }

    /// The name with the first number that makes it one of its own.
    private mutating func free(_ name: String, in parent: String) -> String {
        let base = parent + name.lowercased()
        while true {
            let number = numbers[base, default: 1] + 1
            numbers[base] = number
            let candidate = Self.numbered(name, number)
            if taken[parent + candidate.lowercased()] == nil { return candidate }
        }
    }

    private static func numbered(_ name: String, _ number: Int) -> String {
        let mark = " (\(number))"
        var stem = name[...]
        var ending = ""
        if let dot = name.lastIndex(of: "."), dot != name.startIndex {
            stem = name[..<dot]
            ending = String(name[dot...])
        }
        while stem.utf8.count + mark.utf8.count + ending.utf8.count > TorrentSpecification.maximumComponentBytes,
            !stem.isEmpty
        {
            stem = stem.dropLast()
        }
        let result = stem + mark + ending
        // An ending so long that nothing else fits gives way.
        return result.utf8.count <= TorrentSpecification.maximumComponentBytes
            ? String(result) : String(NameSanitizer.replacement) + mark
    }
}
