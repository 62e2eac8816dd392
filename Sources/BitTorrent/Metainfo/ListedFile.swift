// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// A file as metadata lists it, before it has a place among the pieces.
struct ListedFile {
    /// The path's bytes: what the two sides of a hybrid are compared by. Kept for these only, since they weigh as much as
    /// all else.
    var rawPath: [ArraySlice<UInt8>]
    /// The path as text, from the `utf-8` variant where there is one; bytes that are not UTF-8 become U+FFFD.
    var path: [String]
    var length: Int64
    var root: Digest256?
    var attributes: FileAttributes
    var symlinkTarget: [String]?

    func placed(at offset: Int64) -> TorrentFile {
        TorrentFile(
            path: path,
            length: length,
            offset: offset,
            piecesRoot: root,
            isExecutable: attributes.contains(.executable),
            isPadding: attributes.contains(.padding),
            isHidden: attributes.contains(.hidden),
            symlinkTarget: symlinkTarget
        )
    }
}

/// The `attr` string of BEP 47; letters that it does not name are ignored.
struct FileAttributes: OptionSet {
    let rawValue: UInt8

    static let symlink = FileAttributes(rawValue: 1)
    static let executable = FileAttributes(rawValue: 2)
    static let hidden = FileAttributes(rawValue: 4)
    static let padding = FileAttributes(rawValue: 8)

    init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    init(_ node: BencodeNode?) {
        self = []
        for letter in node?.bytes ?? [] {
            switch letter {
            case UInt8(ascii: "l"): insert(.symlink)
            case UInt8(ascii: "x"): insert(.executable)
            case UInt8(ascii: "h"): insert(.hidden)
            case UInt8(ascii: "p"): insert(.padding)
            default: break
            }
        }
    }
}

/// A path in metadata: what v1, v2 and symbolic links share.
enum ListedPath {
    static func text(_ component: ArraySlice<UInt8>) -> String { String(decoding: component, as: UTF8.self) }

    /// - Returns: nil where the node is no list of byte strings.
    static func components(_ node: BencodeNode?) -> [ArraySlice<UInt8>]? { node?.byteStrings }

    static func check(_ path: [ArraySlice<UInt8>]) throws(MetainfoError) {
        guard path.count <= TorrentSpecification.maximumPathDepth else {
            throw .pathTooDeep(limit: TorrentSpecification.maximumPathDepth)
        }
        let bytes = path.reduce(path.count - 1) { $0 + $1.count }
        guard bytes <= TorrentSpecification.maximumPathBytes else {
            throw .pathTooLong(limit: TorrentSpecification.maximumPathBytes)
        }
    }

    /// The target of a symbolic link (BEP 47); nil for other files.
    static func symlinkTarget(_ node: BencodeNode, _ attributes: FileAttributes) throws(MetainfoError) -> [String]? {
        guard attributes.contains(.symlink) else { return nil }
        let target = components(node["symlink path"]) ?? []
        try check(target)
        return target.map(text)
    }
}
