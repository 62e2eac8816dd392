// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Foundation
import TestSupport
import Testing

@testable import Swarm

@Suite("A torrent's files in a folder")
struct DirectoryStorageTests {
    static func allPieces(_ sample: SampleTorrent) -> Bitfield {
        Bitfield(allSet: sample.metainfo.pieceMap.pieceCount)
    }

    static func check(_ sample: SampleTorrent, _ storage: DirectoryStorage, _ pieces: [PieceIndex]) throws -> Bitfield {
        let content = try #require(TorrentContent(sample.metainfo))
        return PieceChecker.check(pieces, of: content, in: storage, threads: 2)
    }

    @Test("What was saved is believed again; what changed since is hashed", arguments: TorrentKind.allCases)
    func resume(kind: TorrentKind) throws {
        let sample = try SampleTorrent(kind: kind, sizes: [100_000, 40_000, 32_768])
        try sample.write()
        defer { try? FileManager.default.removeItem(at: sample.folder) }
        let storage = try DirectoryStorage(sample.metainfo, at: sample.folder.path)
        let fresh = storage.known()
        #expect(fresh.verified.isEmpty)
        #expect(fresh.toCheck.count == sample.metainfo.pieceMap.pieceCount)
        #expect(try Self.check(sample, storage, fresh.toCheck).isFull)
        try storage.save(verified: Self.allPieces(sample))
        let again = try DirectoryStorage(sample.metainfo, at: sample.folder.path).known()
        #expect(again.verified.isFull)
        #expect(again.toCheck.isEmpty)

        let changed = sample.folder.appending(path: "sample/\(sample.files[0].path)")
        var bytes = sample.files[0].bytes
        bytes[5] ^= 1
        try Data(bytes).write(to: changed)
        let after = try DirectoryStorage(sample.metainfo, at: sample.folder.path)
        let (verified, uncertain) = after.known()
        #expect(!uncertain.isEmpty && uncertain.count < sample.metainfo.pieceMap.pieceCount)
        #expect(uncertain.allSatisfy { !verified[Int($0.raw)] })
        let right = try Self.check(sample, after, uncertain)
        #expect(right.setCount == uncertain.count - 1)
    }

    @Test("A record of another torrent, a damaged one or none only costs time")
    func records() {
        var verified = Bitfield(count: 20)
        verified[3] = true
        let record = ResumeRecord(
            verified: verified,
            stamps: [FileStamp(size: 4, modified: 5), FileStamp(size: 1 << 40, modified: -3)]
        )
        let bytes = record.encoded
        #expect(ResumeRecord.parse(bytes, pieces: 20, files: 2) == record)
        #expect(ResumeRecord.parse(bytes, pieces: 40, files: 2) == nil)
        #expect(ResumeRecord.parse(bytes, pieces: 20, files: 3) == nil)
        for damaged in HostileInput.truncations(of: bytes) {
            #expect(ResumeRecord.parse(damaged, pieces: 20, files: 2) == nil)
        }
        for damaged in HostileInput.mutations(of: bytes, count: 2000, seed: 3) {
            _ = ResumeRecord.parse(damaged, pieces: 20, files: 2)
        }
    }

    @Test("No link on the way to a file is followed, for reading or for writing")
    func links() throws {
        let sample = try SampleTorrent(kind: .v1, sizes: [40_000])
        let outside = try SampleTorrent.scratch()
        let folder = try SampleTorrent.scratch()
        defer { for url in [outside, folder] { try? FileManager.default.removeItem(at: url) } }
        try FileManager.default.createSymbolicLink(
            at: folder.appending(path: "sample"),
            withDestinationURL: outside
        )
        let storage = try DirectoryStorage(sample.metainfo, at: folder.path)
        let bytes = Array(sample.files[0].bytes.prefix(32_768))
        #expect(throws: PieceStorageError.self) {
            // SAFETY: the array outlives the call.
            try unsafe storage.write(PieceIndex(0), bytes.span.bytes)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: outside.path).isEmpty)
    }

    @Test("A piece of another torrent is refused, and padding reads as zeros")
    func bounds() throws {
        let sample = try SampleTorrent(kind: .hybrid, sizes: [40_000, 20_000])
        try sample.write()
        defer { try? FileManager.default.removeItem(at: sample.folder) }
        let storage = try DirectoryStorage(sample.metainfo, at: sample.folder.path)
        func read(_ piece: Int32, _ offset: Int, _ count: Int) throws -> [UInt8] {
            var bytes = [UInt8](repeating: 9, count: count)
            var span = bytes.mutableSpan
            // SAFETY: the array outlives the call.
            var raw = unsafe span.mutableBytes
            try storage.read(PieceIndex(piece), offset: offset, into: &raw)
            return bytes
        }
        #expect(throws: PieceStorageError.noSuchPiece(99)) { try read(99, 0, 1) }
        #expect(throws: PieceStorageError.noSuchPiece(-1)) { try read(-1, 0, 1) }
        // The first file has 40,000 bytes: 7,232 of its second piece; zeros follow.
        #expect(try read(1, 7000, 300) == sample.files[0].bytes[39_768...] + Array(repeating: 0, count: 68))
    }
}
