// SPDX-License-Identifier: Apache-2.0
import Foundation
import Keys
import Storage
import Testing
import Wire

@testable import Node

@Suite("The doctor and files of v1 torrents", .timeLimit(.minutes(5)))
struct V1ScrubTests {
    /// A node with a torrent of two files of which the second piece has a part of each.
    private struct World {
        let node: PublishingNode
        let torrent: Digest160
        let files: [[UInt8]]

        init(isKnown: Bool = true) async throws {
            node = try await PublishingNode()
            files = [(0..<20_000).map { UInt8($0 % 251) }, (0..<10_000).map { UInt8($0 % 241) }]
            let all = files[0] + files[1]
            let pieces = [all[..<16_384], all[16_384...]].flatMap { Hash.sha1(Array($0)).bytes }
            let info =
                Array("d5:filesld6:lengthi20000e4:pathl1:aeed6:lengthi10000e4:pathl1:beee".utf8)
                + Array("4:name1:t12:piece lengthi16384e6:pieces40:".utf8) + pieces + Array("e".utf8)
            torrent = Hash.sha1(info)
            for number in files.indices { try put(files[number], number) }
            guard isKnown else { return }
            let metainfo = Array("d4:info".utf8) + info + Array("e".utf8)
            let record = TorrentRecord(v1: torrent, v2: nil, name: "t", metainfo: metainfo, addedAt: 0)
            try node.context.metadata.write { try $0.save(record) }
        }

        func path(_ number: Int) -> String { "\(node.context.home.content)/v1-\(torrent.hex)/\(number)" }

        func put(_ bytes: [UInt8], _ number: Int) throws {
            let folder = "\(node.context.home.content)/v1-\(torrent.hex)"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try node.context.home.write(bytes, to: path(number))
        }

        func flip(_ number: Int, at offset: Int) throws {
            var bytes = files[number]
            bytes[offset] ^= 1
            try put(bytes, number)
        }

        /// What the doctor finds that is no "ok".
        func found(repair: Bool) async throws -> [DoctorReport.Finding] {
            try await DoctorTests.doctor(node).run(repair: repair) { _ in }.findings.filter { $0.state != "ok" }
        }

        var held: [Bool] { files.indices.map { FileManager.default.fileExists(atPath: path($0)) } }
    }

    @Test("what was changed on the disk is found by the torrent's pieces, and taken out where that is asked for")
    func flipped() async throws {
        let world = try await World()
        #expect(try await world.found(repair: true).isEmpty && world.held == [true, true])
        // In the piece that is the first file's alone, then in the one that both have a part of.
        for (file, offset, left) in [
            (0, 100, [false, true]), (1, 9_999, [false, false]), (0, 19_999, [false, false]),
        ] {
            for number in 0..<2 { try world.put(world.files[number], number) }
            try world.flip(file, at: offset)
            let problems = try await world.found(repair: false)
            #expect(problems.map(\.state) == ["problem"], "\(problems)")
            #expect(problems.allSatisfy { $0.what.contains("torrent 't'") })
            #expect(world.held == [true, true])
            #expect(try await world.found(repair: true).map(\.state) == ["repaired"])
            #expect(world.held == left)
            #expect(try await world.found(repair: true).isEmpty)
        }
        await world.node.end()
    }

    @Test("a file of another length is damaged, and costs the other nothing")
    func length() async throws {
        let world = try await World()
        try world.put(Array(world.files[1].dropLast()), 1)
        #expect(try await world.found(repair: true).map(\.state) == ["repaired"])
        #expect(world.held == [true, false])
        await world.node.end()
    }

    @Test("bytes that are wrong in two pieces cost both pieces' files at once, while they can be compared")
    func twoPieces() async throws {
        let world = try await World()
        try world.flip(0, at: 100)
        try world.flip(1, at: 9_999)
        #expect(try await world.found(repair: true).map(\.state) == ["repaired"])
        #expect(world.held == [false, false])
        await world.node.end()
    }

    @Test("a file that is here without those beside it is not called sound, and is left alone")
    func uncertain() async throws {
        let world = try await World()
        try FileManager.default.removeItem(atPath: world.path(0))
        try world.flip(1, at: 7)
        let report = try await DoctorTests.doctor(world.node).run(repair: true) { _ in }
        #expect(report.healthy && world.held == [false, true])
        #expect(report.findings.contains { $0.what.hasPrefix("0 files of content are") })
        #expect(report.findings.contains { $0.what.hasPrefix("1 files of torrents of which not all is here") })
        await world.node.end()
    }

    @Test("a file that goes while the doctor looks costs the one beside it nothing")
    func gone() async throws {
        let world = try await World()
        let listed = [0: Int64(20_000), 1: Int64(10_000)]
        try FileManager.default.removeItem(atPath: world.path(1))
        var scrub = V1Scrub(context: world.node.context, takingOut: true)
        var bytes: Int64 = 0
        try scrub.look(at: listed, of: world.torrent) { bytes += $0 }
        #expect(world.held == [true, false] && scrub.damaged.isEmpty && bytes == 30_000)
        #expect((scrub.sound, scrub.uncertain) == (0, 1))
        await world.node.end()
    }

    @Test("of a torrent that is known no more nothing is told, and nothing is taken out")
    func unknown() async throws {
        let world = try await World(isKnown: false)
        try world.flip(0, at: 7)
        let report = try await DoctorTests.doctor(world.node).run(repair: true) { _ in }
        #expect(report.healthy && world.held == [true, true])
        #expect(report.findings.contains { $0.what.contains("2 files are of torrents that are known no more") })
        await world.node.end()
    }
}
