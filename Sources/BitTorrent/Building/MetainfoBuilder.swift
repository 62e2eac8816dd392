// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Makes torrents out of files whose hashes are known (``HashPlan``): v1, v2 or hybrid.
///
/// The bytes depend on nothing but the fields here, and are canonical bencoding: one tree gives one infohash everywhere.
/// No dates. Twins of one content are made by two calls of ``build(_:v1Pieces:)`` with kinds v1 and v2: same name, files,
/// order and piece length, and no padding in v1.
public struct MetainfoBuilder: Sendable {
    /// The torrent's name; the file's where it is a single one.
    public var name: String
    /// Bytes of a piece, the same in both versions: a power of two from 16 KiB, as BEP 52 has it.
    public var pieceLength: Int
    /// In the order of ``TorrentEntry/precedes(_:_:)``.
    public var entries: [TorrentEntry]
    /// The one entry is the torrent itself and not in a folder of the torrent's name.
    public var isSingleFile = false
    /// Peers may come from the torrent's trackers only (BEP 27).
    public var isPrivate = false
    /// What stands outside the info dictionary; no part of the infohash.
    public var sources = TorrentSources()

    /// Nothing is checked before ``build(_:v1Pieces:)``, which throws.
    public init(name: String, pieceLength: Int, entries: [TorrentEntry]) {
        self.name = name
        self.pieceLength = pieceLength
        self.entries = entries
    }

    /// The torrent. `v1Pieces` are 20 bytes a piece: of the files end to end for v1, with padding for a hybrid; not looked
    /// at for v2.
    public func build(_ kind: TorrentKind, v1Pieces: [UInt8] = []) throws(BuildError) -> Metainfo {
        try check()
        let info = infoDictionary(kind, v1Pieces)
        do {
            return try Metainfo(torrentFile: TorrentFileEncoder(info: info, sources: sources).encoded(layers(kind)))
        } catch {
            throw .unreadable(error)
        }
    }

    private func check() throws(BuildError) {
        for (index, entry) in entries.enumerated() {
            guard !entry.path.isEmpty, !entry.path.contains("") else { throw .invalidPath(entry: index) }
            guard entry.path.count <= TorrentSpecification.maximumPathDepth else {
                throw .unreadable(.pathTooDeep(limit: TorrentSpecification.maximumPathDepth))
            }
            guard index > 0 else { continue }
            let previous = entries[index - 1].path
            guard TorrentEntry.precedes(previous, entry.path) else { throw .notInOrder(entry: index) }
            let isInside =
                previous.count < entry.path.count
                && zip(previous, entry.path).allSatisfy { $0.utf8.elementsEqual($1.utf8) }
            guard !isInside else { throw .fileIsFolder(entry: index - 1) }
        }
        guard !isSingleFile || (entries.count == 1 && entries[0].path.count == 1) else { throw .notSingleFile }
    }

    private func layers(_ kind: TorrentKind) -> [[UInt8]: [UInt8]] {
        guard kind.hasV2 else { return [:] }
        var layers: [[UInt8]: [UInt8]] = [:]
        for entry in entries where !entry.hashes.pieceLayer.isEmpty {
            if let root = entry.hashes.root { layers[root.bytes] = entry.hashes.pieceLayer }
        }
        return layers
    }

    // MARK: The info dictionary, its keys in order

    private func infoDictionary(_ kind: TorrentKind, _ v1Pieces: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = [UInt8(ascii: "d")]
        let isSingleV1 = isSingleFile && kind.hasV1
        if isSingleV1, entries[0].isExecutable { Self.append("attr", "x", to: &bytes) }
        if kind.hasV2 {
            bytes.append(bencoded: "file tree")
            appendTree(entries[...], depth: 0, to: &bytes)
        }
        if isSingleV1 {
            bytes.append(bencoded: "length")
            bytes.append(bencoded: entries[0].hashes.length)
        } else if kind.hasV1 {
            bytes.append(bencoded: "files")
            appendList(isPadded: kind == .hybrid, to: &bytes)
        }
        if kind.hasV2 {
            bytes.append(bencoded: "meta version")
            bytes.append(bencoded: 2 as Int64)
        }
        bytes.append(bencoded: "name")
        bytes.append(bencoded: (isSingleFile ? entries[0].path[0] : name).utf8)
        bytes.append(bencoded: "piece length")
        bytes.append(bencoded: Int64(pieceLength))
        if kind.hasV1 {
            bytes.append(bencoded: "pieces")
            bytes.append(bencoded: v1Pieces)
        }
        if isPrivate {
            bytes.append(bencoded: "private")
            bytes.append(bencoded: 1 as Int64)
        }
        bytes.append(UInt8(ascii: "e"))
        return bytes
    }

    private static func append(_ key: StaticString, _ value: StaticString, to bytes: inout [UInt8]) {
        bytes.append(bencoded: key)
        bytes.append(bencoded: value)
    }

    /// The entries below one folder, as the dictionary of BEP 52. No deeper than the longest path.
    private func appendTree(_ part: ArraySlice<TorrentEntry>, depth: Int, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "d"))
        var start = part.startIndex
        while start < part.endIndex {
            let name = part[start].path[depth]
            let rest = part[start...]
            let end = rest.firstIndex { !$0.path[depth].utf8.elementsEqual(name.utf8) } ?? part.endIndex
            bytes.append(bencoded: name.utf8)
            if part[start].path.count == depth + 1 {
                appendLeaf(part[start], to: &bytes)
            } else {
                appendTree(part[start..<end], depth: depth + 1, to: &bytes)
            }
            start = end
        }
        bytes.append(UInt8(ascii: "e"))
    }

    private func appendLeaf(_ entry: TorrentEntry, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: "d0:d".utf8)
        if entry.isExecutable { Self.append("attr", "x", to: &bytes) }
        bytes.append(bencoded: "length")
        bytes.append(bencoded: entry.hashes.length)
        if let root = entry.hashes.root {
            bytes.append(bencoded: "pieces root")
            bytes.append(bencoded: root.bytes)
        }
        bytes.append(contentsOf: "ee".utf8)
    }

    private func appendList(isPadded: Bool, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "l"))
        for entry in entries {
            appendListed(entry.path, entry.hashes.length, entry.isExecutable ? "x" : nil, to: &bytes)
            guard isPadded else { continue }
            let padding = HashPlan.padding(after: entry.hashes.length, pieceLength: pieceLength)
            // The path that BEP 47 recommends.
            if padding > 0 { appendListed([".pad", String(padding)], padding, "p", to: &bytes) }
        }
        bytes.append(UInt8(ascii: "e"))
    }

    private func appendListed(_ path: [String], _ length: Int64, _ attribute: StaticString?, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "d"))
        if let attribute { Self.append("attr", attribute, to: &bytes) }
        bytes.append(bencoded: "length")
        bytes.append(bencoded: length)
        bytes.append(bencoded: "path")
        bytes.append(UInt8(ascii: "l"))
        for component in path { bytes.append(bencoded: component.utf8) }
        bytes.append(contentsOf: "ee".utf8)
    }
}
