// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOEmbedded
import Testing
import Wire

@testable import Swarm

@Suite("Byte streams of peers")
struct PeerStreamTests {
    private static func makeStream() throws -> (EmbeddedChannel, TCPPeerStream) {
        let stream = TCPPeerStream(endpoint: Endpoint(.v4(0x7F00_0001), port: 1))
        let channel = EmbeddedChannel(handler: stream)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return (channel, stream)
    }

    @Test("What comes while nobody listens is kept for who does, and reading stops at the bound")
    func unheard() throws {
        let (channel, stream) = try Self.makeStream()
        try channel.writeInbound(ByteBuffer(repeating: 1, count: 1000))
        try channel.writeInbound(ByteBuffer(repeating: 2, count: 1000))
        #expect(try channel.syncOptions?.getOption(.autoRead) == true)
        try channel.writeInbound(ByteBuffer(repeating: 3, count: PeerStreamBounds.unheardBytes))
        let listener = StreamListener()
        stream.receiver = listener
        #expect(listener.heard.count == 2000 + PeerStreamBounds.unheardBytes)
        #expect(
            listener.heard.prefix(2000)
                == ArraySlice(Array(repeating: 1, count: 1000) + Array(repeating: 2, count: 1000))
        )
        try channel.writeInbound(ByteBuffer(bytes: [9]))
        #expect(listener.heard.last == 9)
    }

    @Test("A stream that ended before anybody listened says so to the first who does")
    func endedEarly() throws {
        let (channel, stream) = try Self.makeStream()
        try channel.writeInbound(ByteBuffer(bytes: [7]))
        try channel.close().wait()
        let listener = StreamListener()
        stream.receiver = listener
        #expect(listener.heard == [7])
        #expect(listener.hasEnded)
    }

    @Test("Every byte written is reported as taken, and nothing is heard after close")
    func reports() throws {
        let (channel, stream) = try Self.makeStream()
        let listener = StreamListener()
        stream.receiver = listener
        stream.write(ByteBuffer(bytes: [1, 2, 3]))
        stream.write(ByteBuffer(bytes: [4]))
        #expect(listener.taken == 0)
        stream.flush()
        #expect(listener.taken == 4)
        #expect(try channel.readOutbound(as: ByteBuffer.self) == ByteBuffer(bytes: [1, 2, 3]))
        stream.close()
        #expect(!listener.hasEnded)
    }
}
