// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing
import Wire

@testable import BitTorrent

/// Requests that go with the handshake, and blocks that come with their hashes. No clock is involved: what one side has written is
/// handed to the other, and the ways are counted.
@Suite("Peers that are known to hold everything are asked with the handshake")
struct AskAheadTests {
    static let sizes = [60_000, 10_000, 90_000]

    /// A reader that wants files of a sparse torrent, about to be connected to a holder.
    private struct Meeting {
        let sample: SampleContent
        let holder: SimulatedPeer
        let reader: SimulatedPeer
        var ours: ConnectionID
        var theirs: ConnectionID?

        init(_ sample: SampleContent, holder: SimulatedPeer, wants files: [Int]) throws {
            (self.sample, self.holder, reader) = (sample, holder, SimulatedPeer(2, sparse: sample))
            Meeting.want(files, of: sample, at: reader)
            reader.update { [holder] in $0.add(peers: [holder.address], holdAll: true, now: $1) }
            ours = try #require(reader.dials.first?.0)
            reader.dials = []
            reader.update { [ours] in $0.connected(ours, now: $1) }
        }

        static func want(_ files: [Int], of sample: SampleContent, at reader: SimulatedPeer) {
            let hashed = files.compactMap { sample.content?.hashedFiles[$0] }
            reader.update { $0.add(files: hashed, now: $1).1 }
            for file in hashed {
                guard let pieces = sample.content?.pieces(of: file) else { continue }
                reader.update { $0.want(pieces, now: $1) }
            }
        }

        /// What the reader has written goes to the holder, and what that answers comes back; its disk is as fast as needed.
        mutating func roundTrip() {
            let asked = reader.outgoing.removeValue(forKey: ours) ?? []
            reader.sent(asked.count, on: ours)
            if let theirs {
                holder.receive(asked, on: theirs)
            } else {
                theirs = holder.accept(asked, from: reader.address)
            }
            guard let theirs else { return }
            for _ in 0..<8 { holder.work() }
            let answer = holder.outgoing.removeValue(forKey: theirs) ?? []
            holder.sent(answer.count, on: theirs)
            reader.receive(answer, on: ours)
            for _ in 0..<8 { reader.work() }
        }

        func has(_ file: Int) -> Bool {
            guard let content = sample.content else { return false }
            return content.pieces(of: content.hashedFiles[file]).allSatisfy { reader.disk[$0] == sample.piece($0) }
        }
    }

    private func meeting(
        wants files: [Int] = [0, 1],
        isSeed: Bool = true,
        _ adjust: (inout SessionConfiguration) -> Void = { _ in }
    ) throws -> Meeting {
        let sample = try SampleContent(.v2, sizes: Self.sizes)
        let holder = SimulatedPeer(1, sample, isSeed: isSeed, adjust: adjust)
        return try Meeting(sample, holder: holder, wants: files)
    }

    @Test("Handshake, wish, hashes and blocks take one round trip, files of several pieces too")
    func oneRoundTrip() throws {
        var meeting = try meeting()
        meeting.roundTrip()
        #expect(meeting.has(0) && meeting.has(1))
        #expect(meeting.reader.events.contains(.complete))
        #expect(meeting.reader.closings.isEmpty && meeting.holder.closings.isEmpty)
    }

    @Test("What is wanted later comes in one round trip as well, though the peer has choked us meanwhile")
    func oneRoundTripLater() throws {
        var meeting = try meeting()
        meeting.roundTrip()
        // Says that nothing is wanted now, and hears the choke.
        meeting.roundTrip()
        #expect(!meeting.has(2))
        Meeting.want([2], of: meeting.sample, at: meeting.reader)
        meeting.roundTrip()
        #expect(meeting.has(2))
    }

    @Test("A peer that nothing is known of is sent a handshake and nothing else")
    func strangersAreNotAsked() throws {
        let sample = try SampleContent(.v2, sizes: Self.sizes)
        let reader = SimulatedPeer(2, sparse: sample)
        Meeting.want([0], of: sample, at: reader)
        reader.update { $0.add(peers: [Endpoint(.v4(0x0A00_0009), port: 1)], isAlive: true, now: $1) }
        let id = try #require(reader.dials.first?.0)
        reader.update { $0.connected(id, now: $1) }
        #expect(reader.outgoing[id]?.count == Handshake.byteCount)
    }

    @Test(
        "Who serves nobody, or has nothing after all, rejects what it was asked ahead, and another is asked",
        arguments: [true, false]
    )
    func rejected(hasAll: Bool) throws {
        var meeting = try meeting(isSeed: hasAll) { if hasAll { $0.uploadSlots = 0 } }
        for _ in 0..<4 { meeting.roundTrip() }
        #expect(!meeting.has(0))
        let ours = meeting.ours
        // Rejected once, and not asked again and again.
        #expect(meeting.reader.outgoing[ours]?.isEmpty ?? true)
        #expect(meeting.reader.session.connections[ours]?.requests.isEmpty ?? true)
        let honest = SimulatedPeer(3, meeting.sample, isSeed: true)
        let network = SimulatedNetwork([meeting.reader, honest])
        meeting.reader.update { $0.add(peers: [honest.address], now: $1) }
        #expect(network.run { meeting.has(0) && meeting.has(1) })
    }

    @Test("Who does not speak as was thought is dialled again as a stranger")
    func otherPrograms() throws {
        let meeting = try meeting()
        let (reader, hash) = (meeting.reader, try #require(meeting.sample.metainfo.infoHashes.v2?.truncated))
        reader.receive(Handshake(capabilities: [.extensions], hash: hash, peerID: hash).encoded, on: meeting.ours)
        #expect(reader.closings == [.protocolViolation])
        reader.now += .seconds(5)
        reader.work()
        let again = try #require(reader.dials.first?.0)
        reader.update { $0.connected(again, now: $1) }
        #expect(reader.outgoing[again]?.count == Handshake.byteCount)
    }

    @Test("Who connects and says nothing holds up nobody else")
    func silent() throws {
        let meeting = try meeting()
        let honest = SimulatedPeer(3, meeting.sample, isSeed: true)
        let network = SimulatedNetwork([meeting.reader, honest])
        meeting.reader.update { $0.add(peers: [honest.address], now: $1) }
        #expect(network.run(2000, step: .milliseconds(20)) { meeting.has(0) && meeting.has(1) })
        #expect(network.now < .seconds(10))
    }

    @Test("Pieces that are asked for before their hashes are known are bounded")
    func unprovenBound() throws {
        let root = try #require(Digest256(Array(repeating: 1, count: 32)))
        var configuration = SessionConfiguration(peerID: .zero)
        configuration.wantsEverything = false
        var session = TorrentSession(
            infoHashes: InfoHashes(v2: root),
            content: TorrentContent(sparsePieceLength: 65_536, pieceCount: 96),
            configuration: configuration,
            seed: 1,
            now: .zero
        )
        _ = session.add(files: [.init(firstPiece: 0, length: 96 * 65_536, root: root)], now: .zero)
        _ = session.want(0..<96, now: .zero)
        let count = session.unproven.count
        #expect(count * 65_536 == TorrentSession.maximumUnproven)
    }

    @Test(
        "BEP 52: blocks that came before their hashes are believed no more than others: who sent wrong ones is banned"
    )
    func liar() throws {
        let sample = try SampleContent(.v2, sizes: Self.sizes)
        let liar = SimulatedPeer(1, sample, isSeed: true)
        liar.rot()
        var meeting = try Meeting(sample, holder: liar, wants: [0])
        for _ in 0..<4 { meeting.roundTrip() }
        #expect(!meeting.has(0))
        #expect(meeting.reader.events.contains(.banned(liar.address)))
    }
}
