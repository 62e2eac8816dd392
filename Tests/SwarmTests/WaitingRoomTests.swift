// SPDX-License-Identifier: Apache-2.0
import NIOEmbedded
import Testing
import Wire

@testable import Swarm

@Suite("Connections that have not said what they want")
struct WaitingRoomTests {
    private static func address(_ number: UInt32) -> IPAddress { .v4(0x0808_0000 + number) }

    @Test("One address that holds places silently displaces only itself")
    func share() {
        var room = WaitingRoom<EmbeddedChannel>(capacity: 8, share: 3)
        let honest = EmbeddedChannel()
        let (number, _) = room.enter(honest, from: Self.address(1))
        let silent = (0..<3).map { _ in EmbeddedChannel() }
        for channel in silent { #expect(room.enter(channel, from: Self.address(2)).displaced == nil) }
        for index in 0..<100 {
            let displaced = room.enter(EmbeddedChannel(), from: Self.address(2)).displaced
            #expect(displaced != nil && displaced !== honest)
            if index < 3 { #expect(displaced === silent[index], "the one that waited longest goes") }
        }
        #expect(room.count == 4)
        room.leave(number)
        #expect(room.count == 3)
    }

    @Test("A full room takes the next in, and the one that waited longest goes")
    func full() {
        var room = WaitingRoom<EmbeddedChannel>(capacity: 8, share: 3)
        let channels = (0..<8).map { _ in EmbeddedChannel() }
        for (index, channel) in channels.enumerated() {
            #expect(room.enter(channel, from: Self.address(UInt32(index))).displaced == nil)
        }
        #expect(room.enter(EmbeddedChannel(), from: Self.address(99)).displaced === channels[0])
        #expect(room.count == 8)
    }

    @Test("The addresses of one IPv6 /64 count as one")
    func networks() {
        var room = WaitingRoom<EmbeddedChannel>(capacity: 8, share: 2)
        let first = EmbeddedChannel()
        _ = room.enter(first, from: .v6(high: 0x2001_0DB8_0000_0001, low: 1))
        _ = room.enter(EmbeddedChannel(), from: .v6(high: 0x2001_0DB8_0000_0001, low: 2))
        #expect(room.enter(EmbeddedChannel(), from: .v6(high: 0x2001_0DB8_0000_0001, low: 3)).displaced === first)
        #expect(room.enter(EmbeddedChannel(), from: .v6(high: 0x2001_0DB8_0000_0002, low: 3)).displaced == nil)
    }
}
