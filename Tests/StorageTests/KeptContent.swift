// SPDX-License-Identifier: Apache-2.0
import Keys
import TestSupport
import Testing
import Wire

@testable import Storage

/// The content of a kept home, compared with what is stated beside it.
struct KeptContent {
    private let sample: KeptHome
    private let store: ContentStore

    init(_ sample: KeptHome, _ store: ContentStore) {
        self.sample = sample
        self.store = store
    }

    /// By the names of a store.
    private var stated: [ContentKey: KeptHomeMade.File] {
        get throws {
            var stated: [ContentKey: KeptHomeMade.File] = [:]
            for file in ["garden", "notes"].flatMap({ sample.made.files[$0] ?? [] }).flatMap(\.values) {
                guard let root = file.root else { continue }
                stated[.file(root: try #require(Digest256(hex: root)))] = file
            }
            let song = try #require(sample.made.files["song"]?.first?["song.bin"])
            stated[.v1(torrent: try #require(Digest160(hex: sample.made.song)), file: 0)] = song
            return stated
        }
    }

    func expectComplete() throws {
        let stated = try stated
        var held: Set<ContentKey> = []
        try store.forEachFile { key, _ in held.insert(key) }
        #expect(held == Set(stated.keys))
        for (key, file) in stated {
            #expect(store.length(of: key) == file.length)
            let bytes = try store.read(key, at: 0, count: Int(file.length))
            #expect(Hash.sha256(bytes).hex == file.sha256)
            if case .file(let root) = key { #expect(try store.verify(root) == .sound) }
        }
        #expect(store.damagedPacks == 0)
    }

    func expectPartial() throws {
        #expect(try store.partialFilesWithoutRecord() == 0)
        for (name, record) in sample.read.partial {
            let root = try #require(Digest256(hex: name.split(separator: ".")[0]))
            let ranges = record.ranges.map { $0[0]..<$0[1] }
            #expect(try store.verified(.file(root: root), length: record.length).ranges == ranges)
            let bytes = try sample.bytes("partial/\(root.hex)")
            for range in ranges {
                let found = try store.read(.file(root: root), at: range.lowerBound, count: range.count)
                #expect(found == Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)]))
            }
        }
    }
}
