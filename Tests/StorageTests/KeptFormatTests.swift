// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
import Glibc
import Keys
import TestSupport
import Testing
import Wire

@testable import Storage

/// Each format by itself: what is stated is read, and what is read is written as it stands there.
///
/// Where a format changes, its old bytes must still be read. That today's program writes them is then true of the newest
/// kept home only, which is made with `Tests/Vectors/homes/make.py`.
@Suite("Files of homes that earlier builds wrote")
struct KeptFormatTests {
    @Test("The record of a file that is being downloaded", arguments: KeptHome.all)
    func partialRecord(sample: KeptHome) throws {
        #expect(!sample.read.partial.isEmpty)
        for (name, stated) in sample.read.partial {
            let bytes = try sample.bytes("partial/\(name)")
            let record = try #require(PartialRecord(bytes))
            #expect(record.length == stated.length)
            #expect(record.verified.ranges == stated.ranges.map { $0[0]..<$0[1] })
            #expect(record.bytes == bytes)
        }
    }

    @Test("The cache of what was published", arguments: KeptHome.all)
    func snapshotCache(sample: KeptHome) throws {
        #expect(!sample.read.snapshots.isEmpty)
        for (name, stated) in sample.read.snapshots {
            let bytes = try sample.bytes("cache/\(name)")
            var made = SnapshotCache()
            for row in stated {
                made.note(Self.status(row), root: try #require(Digest256(hex: row.root)), now: .max)
            }
            let cache = try #require(SnapshotCache(bytes))
            #expect(!stated.isEmpty && cache == made)
            #expect(made.bytes == bytes)
        }
    }

    private static func status(_ row: KeptHomeRead.Snapshot) -> FileStatus {
        var status = FileStatus(stat())
        status.device = row.device
        status.inode = row.inode
        status.length = row.length
        status.modified = row.modified
        status.changed = row.changed
        return status
    }

    @Test("The chunks of lists of files", arguments: KeptHome.all)
    func manifests(sample: KeptHome) throws {
        let folder = try TemporaryFolder()
        try sample.copy(to: folder.home.path)
        let database = try DatabaseQueue(path: folder.home.database)
        let chunks = try database.read { db in
            try Row.fetchAll(db, sql: "SELECT bytes FROM manifestChunk").map { row in [UInt8](row["bytes"] as Data) }
        }
        let releases = sample.read.metadata.releases.compactMap(\.files)
        #expect(!chunks.isEmpty && !releases.isEmpty)
        let written = try releases.flatMap { files in
            ReleaseManifest(files: try files.map(Self.file)).chunks.map(\.bytes)
        }
        #expect(Set(written) == Set(chunks))
        let read = try chunks.map { try #require(ReleaseManifest(chunks: [$0])).files }.flatMap(\.self)
        for file in releases.flatMap(\.self) { #expect(read.contains(try Self.file(file)), "\(file.path)") }
    }

    private static func file(_ row: KeptHomeRead.Metadata.File) throws -> ReleaseManifest.File {
        ReleaseManifest.File(
            path: row.path.split(separator: "/").map(String.init),
            length: row.length,
            root: try row.root.map { try #require(Digest256(hex: $0)) },
            isExecutable: row.executable
        )
    }

    @Test("The headers of a pack", arguments: KeptHome.all.filter { $0.read.layout >= 2 })
    func packRecords(sample: KeptHome) throws {
        #expect(!sample.read.packs.isEmpty)
        for row in sample.read.packs.values.flatMap(\.self) {
            let header = try #require(Hex.decode(row.header))
            let record = try #require(PackRecord(header[...]))
            #expect(record.isHeld == row.held && record.length == row.length && record.storedAt == row.storedAt)
            #expect(record.root.hex == row.root)
            #expect(record.header == header)
        }
    }

    @Test(
        "The index of a pack that grows no more: its headers in order",
        arguments: KeptHome.all.filter { $0.read.layout >= 2 }
    )
    func packIndex(sample: KeptHome) throws {
        let folder = try TemporaryFolder()
        try sample.copy(to: folder.home.path)
        for (name, rows) in sample.read.packs {
            let pack = try #require(PackFile(name: name, folder: folder.home.packs))
            let stated = try #require(Hex.decode(rows.map(\.header).joined()))
            try Data(stated).write(to: URL(fileURLWithPath: pack.indexPath))
            let file = try pack.open()
            let length = try file.status().length
            let entries = try #require(pack.indexed(length: length))
            #expect(entries.map(\.record.root.hex) == rows.map(\.root))
            try FileManager.default.removeItem(atPath: pack.indexPath)
            #expect(try pack.writeIndex(of: file, length: length))
            #expect(try Disk.read(pack.indexPath, limit: 1 << 20) == stated)
        }
    }
}
