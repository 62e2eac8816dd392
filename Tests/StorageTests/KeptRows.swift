// SPDX-License-Identifier: Apache-2.0
import Keys
import TestSupport
import Testing
import Wire

@testable import Storage

/// The database of a kept home, compared with what is stated beside it.
struct KeptRows {
    private let stated: KeptHomeRead.Metadata
    private let store: MetadataStore

    init(_ sample: KeptHome, _ store: MetadataStore) {
        stated = sample.read.metadata
        self.store = store
    }

    private func bytes(_ hex: String) throws -> [UInt8] { try #require(Hex.decode(hex)) }

    private func id(_ hex: String) throws -> Digest256 { try #require(Digest256(hex: hex)) }

    func expectSites() throws {
        #expect(try store.check().isEmpty)
        let sites = try store.read { try $0.sites() }
        #expect(sites.count == stated.sites.count)
        for row in stated.sites {
            let site = try #require(sites.first { $0.id.hex == row.id })
            #expect(
                site.key?.description == row.key && site.title == row.title && site.folder == row.folder
                    && site.addedAt == row.addedAt && site.openedAt == row.openedAt
            )
            #expect(site.isOwn == (row.isOwn == 1) && site.isPinned == (row.isPinned == 1))
        }
        for row in stated.heads {
            let head = try #require(try store.read { try $0.highestHead(of: try id(row.site)) })
            #expect(head.size == row.size && Hex.encode(head.bytes) == row.bytes)
        }
    }

    func expectReleases() throws {
        for row in stated.releases {
            let site = try id(row.site)
            let release = try #require(try store.read { try $0.release(of: site, seq: row.seq) })
            #expect(release.v1?.hex == row.v1 && release.v2.hex == row.v2 && release.directory.hex == row.directory)
            #expect(release.pieceLength == row.pieceLength && release.storedAt == row.storedAt)
            let files = try store.read { try $0.manifest(of: site, seq: row.seq) }?.files.map { file in
                KeptHomeRead.Metadata.File(
                    path: file.path.joined(separator: "/"),
                    length: file.length,
                    executable: file.isExecutable,
                    root: file.root?.hex
                )
            }
            #expect(files == row.files)
            #expect(try store.read { try $0.v1Pieces(of: site, seq: row.seq) } == row.v1Pieces.map(bytes))
        }
        for row in stated.layers {
            let root = try id(row.root)
            let hashes = try store.read { try $0.pieceLayer(of: root, pieceLength: row.pieceLength) }
            #expect(hashes == (try bytes(row.hashes)))
        }
    }

    func expectNetwork() throws {
        let wants = try store.read { try $0.wants() }
        #expect(
            Set(wants.map { "\($0.root) \($0.site) \($0.length) \($0.wantedAt)" })
                == Set(stated.wants.map { "\($0.root) \($0.site) \($0.length) \($0.wantedAt)" })
        )
        let torrents = try store.read { try $0.torrents() }
        #expect(
            torrents.map { "\($0.v1?.hex ?? "") \($0.v2?.hex ?? "") \($0.name) \($0.isPinned) \($0.addedAt)" }
                == stated.torrents.map { "\($0.v1 ?? "") \($0.v2 ?? "") \($0.name) \($0.isPinned == 1) \($0.addedAt)" }
        )
        #expect(
            try store.read { try $0.denyRules() }.map { "\($0.list) \($0.subject.kind) \($0.subject.value)" }
                == stated.denied.map { "\($0.list) \($0.kind) \($0.value)" }
        )
        for row in stated.items {
            let target = try #require(Digest160(hex: row.target))
            let item = try #require(try store.read { try $0.item(target) })
            #expect(item.seq == row.seq && item.putAt == row.putAt && item.keepsAlive == (row.keepsAlive == 1))
            #expect(Hex.encode(item.bytes) == row.bytes)
        }
        for row in stated.settings {
            #expect(try store.read { try $0.setting(row.name) } == bytes(row.value))
        }
    }
}
