// SPDX-License-Identifier: Apache-2.0
import Keys
import Synchronization
import TestSupport
import Testing
import Wire

@testable import Storage

@Suite("S0-18: a share of what was read")
struct KeptShareTests {
    private let folder: TemporaryFolder
    private let content: ContentStore

    init() throws {
        folder = try TemporaryFolder()
        content = try ContentStore(home: folder.home)
    }

    private func root(_ number: Int) -> Digest256 { Hash.sha256([UInt8(number >> 8), UInt8(number & 255)]) }

    @Test("about the share of files is kept, others by another node, and more of them with a larger share")
    func draw() {
        let kept = { (share: Double, salt: UInt8) in
            Set((0..<1000).filter { !KeptShare(share, salt: [salt]).ranges(of: root($0), length: 5).isEmpty })
        }
        #expect((250...350).contains(kept(0.3, 1).count))
        #expect(kept(0.3, 1) != kept(0.3, 2))
        #expect(kept(0.3, 1).isStrictSubset(of: kept(0.5, 1)))
        #expect(kept(0, 1).isEmpty && kept(1, 1).count == 1000 && kept(7, 1).count == 1000 && kept(-1, 1).isEmpty)
        let long = KeptShare(0.3, salt: [1]).ranges(of: root(1), length: 1000 * KeptShare.partBytes)
        #expect((250...350).contains(Int(long.byteCount / KeptShare.partBytes)))
    }

    @Test("a small file goes as a whole, a leased one stays")
    func small() throws {
        for number in 0..<40 { try content.write([1, 2], to: .file(root: root(number)), length: 2, at: 0) }
        try content.checkpoint()
        let lease = content.lease([root(0)])
        let nothing = KeptShare(0, salt: [])
        #expect(try !content.thin(root(0), to: nothing))
        lease.end()
        let half = KeptShare(0.5, salt: [3])
        let gone = try (0..<40).filter { try content.thin(root($0), to: half) }
        #expect((5...35).contains(gone.count))
        #expect((0..<40).filter { content.contains(.file(root: root($0))) }.count == 40 - gone.count)
        #expect(try (0..<40).allSatisfy { try !content.thin(root($0), to: half) })
    }

    @Test(
        "of a long file the parts of the share stay readable, also after a restart, and the others give their disk back"
    )
    func long() throws {
        let length = 4 * KeptShare.partBytes
        let key = ContentKey.file(root: root(1))
        let part = [UInt8](repeating: 7, count: Int(KeptShare.partBytes))
        for number in 0..<4 {
            try content.write(part, to: key, length: length, at: Int64(number) * KeptShare.partBytes)
        }
        try content.checkpoint()
        #expect(content.contains(key))
        let losses = Mutex(0)
        content.observeLosses { _ in losses.withLock { $0 += 1 } }
        let share = try #require(
            (0..<100).map { KeptShare(0.5, salt: [$0]) }.first {
                $0.ranges(of: root(1), length: length).byteCount == 2 * KeptShare.partBytes
            }
        )
        #expect(try content.thin(root(1), to: share))
        #expect(losses.withLock { $0 } == 1)
        let kept = share.ranges(of: root(1), length: length)
        for store in [content, try ContentStore(home: folder.home)] {
            #expect(!store.contains(key) && store.hasBegun(key))
            #expect(try store.verified(key, length: length) == kept)
            #expect(try store.read(key, at: kept.ranges[0].lowerBound, count: 3) == [7, 7, 7])
        }
        // What went can come again.
        for number in 0..<4 {
            try content.write(part, to: key, length: length, at: Int64(number) * KeptShare.partBytes)
        }
        try content.checkpoint()
        #expect(content.contains(key))
    }
}
