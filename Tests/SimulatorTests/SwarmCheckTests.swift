// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Testing

@testable import Simulator

/// The checks on a torrent session see what they are there to see.
@Suite struct SwarmCheckTests {
    private struct Scene {
        let world: World
        let torrent: SimulatedTorrent
        let disk: SwarmDisk
        private var random: RandomStream
        let host: Host

        init(seed: UInt64 = 1) throws {
            world = World(seed: seed)
            random = world.stream("scene")
            torrent = try #require(SimulatedTorrent(pieceCount: 8, random: &random))
            disk = SwarmDisk(pieceCount: 8, random: world.stream("disk"))
            host = world.addHost()
        }

        mutating func start() -> SwarmProgram {
            let program = SwarmProgram(on: host, torrent, disk: disk, random: &random)
            host.switchOn(program)
            return program
        }

        /// What a program that is started now offers and has not.
        mutating func violation() -> Invariant? {
            let program = start()
            program.touched()
            return world.violations.first?.invariant
        }

        func write(_ pieces: Range<Int>) { for piece in pieces { #expect(disk.write(piece, torrent.pieces[piece])) } }
    }

    @Test("a piece that goes and another that comes in one event are looked at, though their number stays")
    func exchangedPieces() throws {
        var scene = try Scene()
        scene.write(0..<1)
        scene.disk.sync()
        let program = scene.start()
        program.touched()
        #expect(scene.world.violations.isEmpty)
        _ = program.session.lost(CollectionOfOne(0), now: scene.host.now)
        _ = program.session.found(1..<2, now: scene.host.now)
        program.touched()
        #expect(scene.world.violations.map(\.invariant) == [.offeredIsVerified])
    }

    @Test("a piece that is offered and goes from the disk is missed at once")
    func lostPiece() throws {
        var scene = try Scene()
        scene.write(0..<1)
        scene.disk.sync()
        let program = scene.start()
        program.touched()
        scene.disk.setAside(0)
        program.touched()
        #expect(scene.world.violations.map(\.invariant) == [.offeredIsVerified])
    }

    @Test("what a disk lied about is acknowledged and not there after a power failure; nothing else is excused")
    func lie() throws {
        var scene = try Scene()
        scene.write(0..<2)
        scene.disk.sync()
        scene.disk.losesSyncs = true
        scene.write(2..<6)
        scene.disk.sync()
        #expect(scene.disk.acknowledged == Set(0..<6))
        scene.write(6..<7)
        scene.disk.powerLost()
        #expect(scene.disk.acknowledged == Set(0..<6) && scene.disk.forgotten == Set(2..<6))
        for piece in 2..<6 { #expect(scene.disk.written[piece] != scene.torrent.pieces[piece]) }
        #expect(scene.violation() == nil)
    }

    @Test("a record that is written before its piece is synced is not excused by a disk that lies", arguments: 1...4)
    func early(seed: UInt64) throws {
        var scene = try Scene(seed: seed)
        scene.disk.acknowledgesEarly = true
        scene.disk.losesSyncs = true
        scene.write(0..<8)
        scene.disk.powerLost()
        #expect(scene.disk.forgotten.isEmpty && scene.violation() == .offeredIsVerified)
    }

    @Test("a disk that lied and then synced has forgotten nothing")
    func syncedAfterAll() throws {
        var scene = try Scene()
        scene.disk.losesSyncs = true
        scene.write(0..<8)
        scene.disk.sync()
        scene.disk.losesSyncs = false
        scene.disk.sync()
        scene.disk.powerLost()
        #expect(scene.disk.forgotten.isEmpty && scene.violation() == nil)
        #expect(scene.disk.acknowledged == Set(0..<8))
    }
}
