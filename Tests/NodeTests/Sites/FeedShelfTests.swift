// SPDX-License-Identifier: Apache-2.0
import Foundation
import Keys
import Storage
import Testing

@testable import Node

@Suite struct FeedShelfTests {
    @Test("A database that is damaged where a feed is written is said to be damaged, not something unexpected")
    func damagedDatabase() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "roost-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.path + "/metadata.sqlite"
        try MetadataStore(path: path).checkpoint()
        let sound = try Data(contentsOf: URL(fileURLWithPath: path))
        let site = Hash.sha256([1])
        var kinds: Set<NodeError.Kind> = []
        for page in stride(from: 4096, to: sound.count, by: 4096) {
            for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
                try FileManager.default.removeItem(atPath: "\(folder.path)/\(name)")
            }
            var damaged = sound
            damaged.replaceSubrange(page..<page + 4096, with: Data(repeating: 0, count: 4096))
            try damaged.write(to: URL(fileURLWithPath: path))
            guard let store = try? MetadataStore(path: path) else { continue }
            do throws(NodeError) {
                _ = try FeedShelf(metadata: store).change(site) { _, connection in
                    try connection.save(SiteRecord(id: site, addedAt: 1))
                    return nil
                }
            } catch {
                kinds.insert(error.kind)
            }
        }
        #expect(kinds == [.badData])
    }
}
