// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOEmbedded
import Testing
import Wire

@testable import Swarm

@Suite("TCP connections made ahead of the dial")
struct PreparedStreamsTests {
    /// Prepared streams on a loop whose time moves when it is told to, and connections that are made when it is told so.
    private final class Bench {
        let loop = EmbeddedEventLoop()
        let streams: PreparedStreams
        /// Connections under way, in the order in which they were begun.
        var dials: [(TCPPeerStream?) -> Void] = []
        var channels: [EmbeddedChannel] = []
        /// What those who came for a stream were given.
        var given: [(any PeerByteStream)?] = []

        init() { streams = PreparedStreams(loop: loop) }

        static func endpoint(_ number: UInt32) -> Endpoint { Endpoint(.v4(0x0A00_0000 + number), port: 6881) }

        func prepare(_ number: UInt32) { streams.prepare(Self.endpoint(number)) { dials.append($0) } }

        func take(_ number: UInt32) -> Bool {
            streams.take(Self.endpoint(number)) { [unowned self] in given.append($0) }
        }

        /// The dial's connection is there.
        @discardableResult
        func connect(_ dial: Int) throws -> TCPPeerStream {
            let stream = TCPPeerStream(endpoint: Self.endpoint(0))
            let channel = EmbeddedChannel(handler: stream, loop: loop)
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
            channels.append(channel)
            dials[dial](stream)
            return stream
        }
    }

    @Test("One that is ready is given once, and never before whoever takes it has been told that there is one")
    func once() throws {
        let bench = Bench()
        #expect(!bench.take(1), "nothing was prepared")
        bench.prepare(1)
        let stream = try bench.connect(0)
        #expect(!bench.take(2), "that is another address")
        #expect(bench.take(1))
        #expect(bench.given.isEmpty)
        #expect(!bench.take(1), "there was but one")
        bench.loop.run()
        #expect(bench.given.count == 1 && bench.given.first.flatMap(\.self) === stream)
        bench.loop.advanceTime(by: PreparedStreams.life + .seconds(1))
        #expect(bench.channels[0].isActive, "it is in use, and its life as a prepared one ends nothing")
    }

    @Test(
        "Who comes before it is connected gets it then, or nothing where it could not be made; a second is turned away"
    )
    func early() throws {
        let bench = Bench()
        bench.prepare(1)
        bench.prepare(2)
        #expect(bench.take(1) && bench.take(2))
        #expect(!bench.take(1), "one connection is for one")
        bench.loop.advanceTime(by: PreparedStreams.life + .seconds(1))
        #expect(bench.given.isEmpty, "how long it may take is for who makes the connection to say")
        let stream = try bench.connect(0)
        #expect(bench.given.count == 1 && bench.given.first.flatMap(\.self) === stream && bench.channels[0].isActive)
        bench.dials[1](nil)
        #expect(bench.given.count == 2 && bench.given[1] == nil)
        #expect(!bench.take(1) && !bench.take(2))
    }

    @Test("A peer has one at a time, and all together have four: more is left to the dial")
    func bounds() throws {
        let bench = Bench()
        for number in [1, 1, 2, 3, 4, 5, 6] as [UInt32] { bench.prepare(number) }
        #expect(bench.dials.count == PreparedStreams.capacity)
        #expect(!bench.take(5))
        // Failed and taken ones give their places back.
        bench.dials[0](nil)
        try bench.connect(1)
        #expect(bench.take(2))
        for number in [5, 6, 7] as [UInt32] { bench.prepare(number) }
        #expect(bench.dials.count == PreparedStreams.capacity + 2)
    }

    @Test("One that nobody comes for is closed after four seconds, and so is one that is connected later than that")
    func life() throws {
        let bench = Bench()
        bench.prepare(1)
        bench.prepare(2)
        try bench.connect(0)
        bench.loop.advanceTime(by: PreparedStreams.life - .milliseconds(1))
        #expect(bench.channels[0].isActive)
        bench.loop.advanceTime(by: .milliseconds(1))
        #expect(!bench.channels[0].isActive)
        #expect(!bench.take(1) && !bench.take(2))
        try bench.connect(1)
        bench.loop.run()
        #expect(!bench.channels[1].isActive)
        // The late one does not count for a new one of the same peer, nor does its end.
        bench.prepare(2)
        try bench.connect(2)
        #expect(bench.take(2) && bench.channels[2].isActive)
    }

    @Test("One that the peer has closed is not given: whoever comes dials")
    func stale() throws {
        let bench = Bench()
        bench.prepare(1)
        try bench.connect(0)
        try bench.channels[0].close().wait()
        #expect(!bench.take(1))
        bench.prepare(1)
        #expect(bench.dials.count == 2, "its place is free")
    }

    @Test("The end closes what is ready and what comes later, and tells who waits that nothing will come")
    func end() throws {
        let bench = Bench()
        for number in [1, 2, 3] as [UInt32] { bench.prepare(number) }
        try bench.connect(0)
        #expect(bench.take(2))
        bench.streams.closeAll()
        #expect(!bench.channels[0].isActive)
        #expect(bench.given.count == 1 && bench.given[0] == nil)
        for dial in [1, 2] { try bench.connect(dial) }
        bench.loop.run()
        #expect(!bench.channels[1].isActive && !bench.channels[2].isActive)
        #expect(bench.given.count == 1)
        bench.loop.advanceTime(by: .seconds(10))
    }
}
