// SPDX-License-Identifier: Apache-2.0
import Kademlia
import TestSupport
import Testing
import Wire

@Suite("States of the DHT that earlier builds wrote")
struct KeptStateTests {
    @Test("dht.md §7: they are read as they were written, and written so again", arguments: KeptHome.all)
    func state(sample: KeptHome) throws {
        #expect(!sample.read.dht.isEmpty)
        for (name, stated) in sample.read.dht {
            let bytes = try sample.bytes(name)
            let state = try #require(DHTState(parsing: bytes))
            #expect(state.id.hex == stated.id)
            #expect(state.nodes.map { Hex.encode($0.compact) } == stated.nodes + stated.nodes6)
            #expect(state.floors.map(\.target.hex) == stated.seqs.map(\.target))
            #expect(state.floors.map(\.sequence) == stated.seqs.map(\.sequence))
            #expect(state.kept.map(Self.text) == stated.kept.map(Self.text))
            #expect(state.encoded == bytes)
        }
    }

    private static func text(_ kept: DHTState.Kept) -> String {
        switch kept.publication {
        case .peer(let infoHash, let port): "\(kept.isOwn) peer \(infoHash.hex) \(port ?? 0)"
        case .mutable(let item): "\(kept.isOwn) item \(item.key) \(item.sequence)"
        case .immutable: "\(kept.isOwn) item"
        }
    }

    private static func text(_ kept: KeptHomeRead.DHT.Kept) -> String {
        if let infohash = kept.infohash { return "\(kept.own == 1) peer \(infohash) \(kept.port ?? 0)" }
        if let key = kept.key { return "\(kept.own == 1) item \(key) \(kept.seq ?? 0)" }
        return "\(kept.own == 1) item"
    }
}
