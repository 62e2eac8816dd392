// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Dispatch
import Foundation
import Swarm
import Synchronization
import Testing
import Wire

@Suite("The end of a torrent")
struct TorrentEndTests {
    /// Writes its first piece only when it is let.
    private final class HeldStorage: PieceStorage {
        private let storage: DirectoryStorage
        private let gate = DispatchSemaphore(value: 0)
        private let entered = Atomic(false)
        let happened = Mutex<[String]>([])
        var isWriting: Bool { entered.load(ordering: .sequentiallyConsistent) }

        init(_ storage: DirectoryStorage) { self.storage = storage }

        func open() { gate.signal() }
        func note(_ what: String) { happened.withLock { $0.append(what) } }

        func write(_ piece: PieceIndex, _ bytes: RawSpan) throws(PieceStorageError) {
            entered.store(true, ordering: .sequentiallyConsistent)
            gate.wait()
            try storage.write(piece, bytes)
            note("written")
            gate.signal()
        }

        func read(_ piece: PieceIndex, offset: Int, into bytes: inout MutableRawSpan) throws(PieceStorageError) {
            try storage.read(piece, offset: offset, into: &bytes)
        }

        func save(verified: Bitfield) throws(PieceStorageError) { try storage.save(verified: verified) }
    }

    @Test("A torrent is out of its swarm only when what was being written is written")
    func lastWrites() async throws {
        let sample = try SampleTorrent(kind: .v1, sizes: [32_768])
        try sample.write()
        let target = try SampleTorrent.scratch()
        defer { for url in [sample.folder, target] { try? FileManager.default.removeItem(at: url) } }
        let (seeder, leecher) = (SwarmTests.makeSwarm(), SwarmTests.makeSwarm())
        let address = try await seeder.listen(on: SwarmTests.loopback)
        let count = sample.metainfo.pieceMap.pieceCount
        let source = try DirectoryStorage(sample.metainfo, at: sample.folder.path)
        _ = try await seeder.add(sample.metainfo, storage: source, have: Bitfield(allSet: count))
        let storage = HeldStorage(try DirectoryStorage(sample.metainfo, at: target.path))
        let torrent = try await leecher.add(sample.metainfo, storage: storage, have: Bitfield(count: count))
        torrent.add(peers: [address], source: .user)
        while !storage.isWriting { try await Task.sleep(for: .milliseconds(1)) }
        async let removal: Void = {
            await leecher.remove(torrent)
            storage.note("removed")
        }()
        // It has let go of its session; a removal that does not wait for the disk is over a few turns later.
        while await torrent.status() != nil {}
        for _ in 0..<100 { _ = await torrent.status() }
        storage.open()
        await removal
        #expect(storage.happened.withLock { $0 } == ["written", "removed"])
        await leecher.shutdown()
        await seeder.shutdown()
    }
}
