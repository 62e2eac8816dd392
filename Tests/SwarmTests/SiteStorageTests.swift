// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Foundation
import Keys
import Storage
import TestSupport
import Testing
import Wire

@testable import Swarm

@Suite("Torrents over the content store")
struct SiteStorageTests {
    private final class Folder: Sendable {
        let path = NSTemporaryDirectory() + "roost-test-" + UUID().uuidString
        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    private let folder = Folder()
    private let content: ContentStore
    private let tree: PublishedTree
    private let reader: ContentStore

    init() throws {
        content = try ContentStore(home: Home(path: folder.path + "/a"))
        reader = try ContentStore(home: Home(path: folder.path + "/b"))
        var random = SplitMix64(seed: 1)
        try FileManager.default.createDirectory(atPath: folder.path + "/site", withIntermediateDirectories: true)
        for (index, count) in [0, 1, 16_384, 16_385, 50_000, 3].enumerated() {
            try Data(random.bytes(count)).write(to: URL(fileURLWithPath: folder.path + "/site/\(index)"))
        }
        tree = try PublishPass.run(folder: folder.path + "/site", into: content)
    }

    private func v1Storage(_ content: ContentStore) throws -> (SiteStorage, PieceMap) {
        let map = try tree.tree.v1Metainfo(pieces: tree.v1Pieces).pieceMap
        let files = tree.tree.manifest.files.map { file in
            file.root.map { SiteStorage.File(key: .file(root: $0), length: file.length) }
        }
        return (SiteStorage(content: content, map: map, files: files), map)
    }

    private func read(_ storage: SiteStorage, _ piece: PieceIndex, _ offset: Int, _ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0xEE, count: count)
        var span = bytes.mutableSpan
        // SAFETY: the bytes of the array, used before it is returned.
        var raw = unsafe span.mutableBytes
        try storage.read(piece, offset: offset, into: &raw)
        return bytes
    }

    private func copy(_ piece: PieceIndex, _ count: Int, from: SiteStorage, to: SiteStorage) throws {
        let bytes = try read(from, piece, 0, count)
        // SAFETY: the span is of an array that lives until the end of the function.
        try unsafe to.write(piece, bytes.span.bytes)
    }

    @Test("v2 pieces written one by one become the files, which the v1 twin then holds too")
    func twins() throws {
        let metainfo = try tree.tree.v2Metainfo()
        let source = SiteStorage(content: content, metainfo: metainfo)
        let target = SiteStorage(content: reader, metainfo: metainfo)
        #expect(source.known().isFull)
        #expect(target.known().isEmpty)
        for number in metainfo.pieceMap.indices.reversed() {
            let piece = try #require(metainfo.pieceMap.index(number))
            try copy(piece, metainfo.pieceMap.dataLength(of: piece), from: source, to: target)
            #expect(target.known()[number])
        }
        try target.save(verified: target.known())
        let (twin, map) = try v1Storage(reader)
        #expect(twin.known().isFull)
        for number in map.indices {
            let piece = try #require(map.index(number))
            let bytes = try read(twin, piece, 0, map.length(of: piece))
            #expect(Hash.sha1(bytes).bytes.elementsEqual(tree.v1Pieces[number * 20..<number * 20 + 20]))
        }
    }

    @Test("v1 pieces, which span files, become the files")
    func v1() throws {
        let (source, map) = try v1Storage(content)
        let (target, _) = try v1Storage(reader)
        for number in map.indices {
            let piece = try #require(map.index(number))
            try copy(piece, map.length(of: piece), from: source, to: target)
        }
        try target.save(verified: target.known())
        #expect(tree.tree.missingFiles(in: reader).isEmpty)
        for file in tree.tree.manifest.files {
            if let root = file.root { #expect(try reader.verify(root) == .sound) }
        }
    }

    @Test("a sparse torrent holds the files that it was told of, and no others")
    func sparse() throws {
        let step = tree.tree.pieceLength
        let source = SiteStorage(content: content, metainfo: try tree.tree.v2Metainfo())
        let target = SiteStorage(content: reader, sparsePieceLength: step, pieceCount: tree.tree.pieceCount)
        let file = tree.tree.manifest.files[4]
        let first = tree.tree.firstPieces[4]
        let root = try #require(file.root)
        #expect(throws: PieceStorageError.self) { try read(target, PieceIndex(Int32(first)), 0, 1) }
        #expect(target.add(TorrentContent.HashedFile(firstPiece: first, length: file.length, root: root)))
        try copy(PieceIndex(Int32(first)), step, from: source, to: target)
        #expect(target.known().indices == [first])
        #expect(try read(target, PieceIndex(Int32(first)), 100, 50) == read(source, PieceIndex(Int32(first)), 100, 50))
        #expect(throws: PieceStorageError.self) { try read(target, PieceIndex(Int32(first)), step - 1, 2) }
        #expect(throws: PieceStorageError.self) { try read(target, PieceIndex(Int32(first + 1)), 0, 1) }
        #expect(throws: PieceStorageError.self) { try read(target, PieceIndex(Int32(first - 1)), 0, 1) }
        #expect(throws: PieceStorageError.self) { try read(target, PieceIndex(Int32.max), 0, 1) }
        #expect(throws: PieceStorageError.self) { try read(target, PieceIndex(-1), 0, 1) }
    }

    @Test("a file that overlaps one of a sparse torrent is refused, and nothing of that one becomes part of it")
    func overlap() throws {
        let step = tree.tree.pieceLength
        let source = SiteStorage(content: content, metainfo: try tree.tree.v2Metainfo())
        let target = SiteStorage(content: reader, sparsePieceLength: step, pieceCount: tree.tree.pieceCount)
        let (file, first) = (tree.tree.manifest.files[4], tree.tree.firstPieces[4])
        let root = try #require(file.root)
        #expect(target.add(TorrentContent.HashedFile(firstPiece: first, length: file.length, root: root)))
        // What another site has under this root must come from nobody's pieces but its own.
        let other = Hash.sha256([7])
        for (place, length) in [
            (first + 1, Int64(step)), (first - 1, Int64(step) + 1), (first, 1), (first + 2, 3 << 40),
        ] {
            #expect(!target.add(TorrentContent.HashedFile(firstPiece: place, length: length, root: other)))
        }
        for place in [-1, tree.tree.pieceCount, Int.max, Int.min] {
            #expect(!target.add(TorrentContent.HashedFile(firstPiece: place, length: .max, root: other)))
        }
        try copy(PieceIndex(Int32(first + 1)), step, from: source, to: target)
        for length in [1, Int64(step), Int64(step) + 1] {
            #expect(try reader.verified(.file(root: other), length: length).ranges.isEmpty)
        }
        #expect(target.known().indices == [first + 1])
    }
}
