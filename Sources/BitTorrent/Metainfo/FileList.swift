// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Reads the files of a v1 info dictionary (BEP 3): `length` for one file, `files` for several.
struct FileList {
    private(set) var files: [ListedFile] = []
    private(set) var isSingleFile = false
    private var total: Int64 = 0
    private let keepsRawPaths: Bool

    init(
        _ info: BencodeNode,
        name: ArraySlice<UInt8>,
        displayName: String,
        keepsRawPaths: Bool
    ) throws(MetainfoError) {
        self.keepsRawPaths = keepsRawPaths
        if let list = info["files"]?.list {
            guard list.count <= TorrentSpecification.maximumFiles * 2 else {
                throw .tooManyFiles(limit: TorrentSpecification.maximumFiles)
            }
            files.reserveCapacity(list.count)
            for (index, node) in list.enumerated() { try add(node, index: index) }
        } else {
            isSingleFile = true
            let attributes = FileAttributes(info["attr"])
            let length = try length(of: info, attributes, index: 0)
            files = [
                ListedFile(rawPath: [name], path: [displayName], length: length, attributes: attributes)
            ]
        }
        let kept = files.lazy.filter { !$0.attributes.contains(.padding) }.count
        guard kept <= TorrentSpecification.maximumFiles else {
            throw .tooManyFiles(limit: TorrentSpecification.maximumFiles)
        }
    }

    private mutating func add(_ node: BencodeNode, index: Int) throws(MetainfoError) {
        guard node.isDictionary else { throw .invalidFile(index) }
        let attributes = FileAttributes(node["attr"])
        let length = try length(of: node, attributes, index: index)
        var raw = ListedPath.components(node["path"]) ?? []
        if raw.isEmpty {
            // BEP 47: a pad file needs no path.
            guard attributes.contains(.padding) else { throw .invalidPath(file: index) }
            raw = [Array(".pad".utf8)[...], Array(String(length).utf8)[...]]
        }
        try ListedPath.check(raw)
        var shown = ListedPath.components(node["path.utf-8"]) ?? raw
        if shown.count != raw.count { shown = raw }
        try ListedPath.check(shown)
        files.append(
            ListedFile(
                rawPath: keepsRawPaths ? raw : [],
                path: shown.map(ListedPath.text),
                length: length,
                attributes: attributes,
                symlinkTarget: try ListedPath.symlinkTarget(node, attributes)
            )
        )
    }

    private mutating func length(
        of node: BencodeNode,
        _ attributes: FileAttributes,
        index: Int
    ) throws(MetainfoError) -> Int64 {
        // BEP 47: a link has no content, whatever its length says.
        if attributes.contains(.symlink) { return 0 }
        guard let length = node["length"]?.integer, length >= 0 else { throw .invalidFile(index) }
        guard length <= TorrentSpecification.maximumTotalLength - total else {
            throw .tooLong(limit: TorrentSpecification.maximumTotalLength)
        }
        total += length
        return length
    }
}
