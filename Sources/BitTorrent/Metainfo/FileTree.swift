// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Reads the file tree of a v2 info dictionary (BEP 52), strictly: keys ascend, a file has no siblings under its name.
struct FileTree {
    private(set) var files: [ListedFile] = []
    private(set) var isSingleFile = false
    private var path: [ArraySlice<UInt8>] = []
    private var total: Int64 = 0
    private let keepsRawPaths: Bool

    init(_ node: BencodeNode?, keepsRawPaths: Bool) throws(MetainfoError) {
        guard let node, node.isDictionary else { throw .invalidFileTree }
        self.keepsRawPaths = keepsRawPaths
        try visit(node)
        isSingleFile = files.count == 1 && files[0].path.count == 1 && node.entries?.count == 1
    }

    /// No deeper than the longest path that is accepted.
    private mutating func visit(_ directory: BencodeNode) throws(MetainfoError) {
        try ListedPath.check(path)
        let entries = directory.entries ?? []
        var last: ArraySlice<UInt8>?
        for (key, value) in entries {
            if let last, !last.lexicographicallyPrecedes(key) { throw .invalidFileTree }
            last = key
            guard value.isDictionary else { throw .invalidFileTree }
            if key.isEmpty {
                guard entries.count == 1, !path.isEmpty else { throw .invalidFileTree }
                try add(value)
            } else {
                path.append(key)
                try visit(value)
                path.removeLast()
            }
        }
    }

    private mutating func add(_ node: BencodeNode) throws(MetainfoError) {
        let index = files.count
        guard index < TorrentSpecification.maximumFiles else {
            throw .tooManyFiles(limit: TorrentSpecification.maximumFiles)
        }
        let attributes = FileAttributes(node["attr"])
        guard node["length"] != nil || attributes.contains(.symlink) else { throw .invalidFileTree }
        let length = attributes.contains(.symlink) ? 0 : node["length"]?.integer ?? -1
        guard length >= 0 else { throw .invalidFile(index) }
        guard length <= TorrentSpecification.maximumTotalLength - total else {
            throw .tooLong(limit: TorrentSpecification.maximumTotalLength)
        }
        total += length
        let root = length > 0 ? node["pieces root"]?.fixed(Digest256.self) : nil
        guard length == 0 || (root ?? .zero) != .zero else { throw .missingPiecesRoot(file: index) }
        files.append(
            ListedFile(
                rawPath: keepsRawPaths ? path : [],
                path: path.map(ListedPath.text),
                length: length,
                root: root,
                // Alignment is in the layout: a pad file has no place in the tree.
                attributes: attributes.subtracting(.padding),
                symlinkTarget: try ListedPath.symlinkTarget(node, attributes)
            )
        )
    }
}
