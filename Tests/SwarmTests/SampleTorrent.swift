// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Foundation
import Keys
import TestSupport
import Wire

/// A torrent made in memory, with its files in a temporary folder.
struct SampleTorrent {
    let metainfo: Metainfo
    let files: [(path: String, bytes: [UInt8])]
    let folder: URL

    /// `sizes`: of the files, whose content follows from their number.
    init(kind: TorrentKind, sizes: [Int], pieceLength: Int = 32_768) throws {
        var random = SplitMix64(seed: 42)
        files = sizes.enumerated().map { ("dir\($0.offset % 3)/file\($0.offset).bin", random.bytes($0.element)) }
            .sorted { $0.0 < $1.0 }
        folder = FileManager.default.temporaryDirectory.appending(path: "roost-\(UUID().uuidString)")
        let info = Self.info(kind, files, pieceLength)
        var document: [String: BencodeValue] = ["info": info.value]
        if kind != .v1 { document["piece layers"] = .dictionary(info.layers) }
        metainfo = try Metainfo(torrentFile: BencodeValue.dictionary(document).encoded)
    }

    /// Puts the files where a seeder has them.
    func write() throws {
        for file in files {
            let url = folder.appending(path: "sample/\(file.path)")
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(file.bytes).write(to: url)
        }
    }

    /// Whether `folder` holds all files as they are.
    func isIdentical(in folder: URL) -> Bool {
        files.allSatisfy { file in
            (try? Data(contentsOf: folder.appending(path: "sample/\(file.path)"))) == Data(file.bytes)
        }
    }

    static func scratch() throws -> URL {
        let url = FileManager.default.temporaryDirectory.appending(path: "roost-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        return url
    }

    // MARK: Metadata

    private static func info(
        _ kind: TorrentKind,
        _ files: [(path: String, bytes: [UInt8])],
        _ pieceLength: Int
    ) -> (value: BencodeValue, layers: [[UInt8]: BencodeValue]) {
        var info: [String: BencodeValue] = ["name": "sample", "piece length": .integer(Int64(pieceLength))]
        var layers: [[UInt8]: BencodeValue] = [:]
        if kind.hasV1 { addV1(&info, files, pieceLength, pads: kind == .hybrid) }
        if kind.hasV2 {
            info["meta version"] = 2
            info["file tree"] = tree(files, pieceLength, &layers)
        }
        return (.dictionary(info), layers)
    }

    private static func addV1(
        _ info: inout [String: BencodeValue],
        _ files: [(path: String, bytes: [UInt8])],
        _ pieceLength: Int,
        pads: Bool
    ) {
        var stream: [UInt8] = []
        var list: [BencodeValue] = []
        for (index, file) in files.enumerated() {
            list.append([
                "length": .integer(Int64(file.bytes.count)),
                "path": .list(file.path.split(separator: "/").map { .string(String($0)) }),
            ])
            stream += file.bytes
            let gap = (pieceLength - stream.count % pieceLength) % pieceLength
            guard pads, gap > 0, index < files.count - 1 else { continue }
            list.append(["attr": "p", "length": .integer(Int64(gap)), "path": [".pad", .string(String(gap))]])
            stream += Array(repeating: 0, count: gap)
        }
        var hashes: [UInt8] = []
        for start in stride(from: 0, to: stream.count, by: pieceLength) {
            hashes.append(Hash.sha1(stream[start..<min(start + pieceLength, stream.count)]))
        }
        info["files"] = .list(list)
        info["pieces"] = .bytes(hashes)
    }

    private static func tree(
        _ files: [(path: String, bytes: [UInt8])],
        _ pieceLength: Int,
        _ layers: inout [[UInt8]: BencodeValue]
    ) -> BencodeValue {
        var folders: [String: [[UInt8]: BencodeValue]] = [:]
        for file in files {
            let parts = file.path.split(separator: "/").map(String.init)
            var entry: [String: BencodeValue] = ["length": .integer(Int64(file.bytes.count))]
            if !file.bytes.isEmpty {
                let root = Merkle.root(of: file.bytes)
                entry["pieces root"] = .bytes(root.bytes)
                if file.bytes.count > pieceLength { layers[root.bytes] = .bytes(layer(file.bytes, pieceLength)) }
            }
            folders[parts[0], default: [:]][Array(parts[1].utf8)] = ["": .dictionary(entry)]
        }
        return .dictionary(folders.mapValues { .dictionary($0) })
    }

    private static func layer(_ bytes: [UInt8], _ pieceLength: Int) -> [UInt8] {
        let height = Merkle.pieceLayer(pieceLength: pieceLength)
        var layer: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: pieceLength) {
            layer.append(Merkle.root(of: Array(bytes[start..<min(start + pieceLength, bytes.count)]), height: height))
        }
        return layer
    }
}
