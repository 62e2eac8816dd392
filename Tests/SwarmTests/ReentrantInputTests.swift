// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Foundation
import NIOCore
import NIOPosix
import Swarm
import Testing
import Transport
import Wire

@Suite("Input that comes while a torrent's actions are performed")
struct ReentrantInputTests {
    /// Does what the socket does when a write fails: what has come in is read before the write returns.
    private final class DrainingChannel: ChannelDuplexHandler, Sendable {
        typealias InboundIn = ByteBuffer
        typealias OutboundIn = ByteBuffer
        /// Sent by the peer once it is asked for the first block.
        let blocks: [ByteBuffer]

        init(blocks: [ByteBuffer]) { self.blocks = blocks }

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            var written = Self.unwrapOutboundIn(data)
            if Self.asksForBlock(&written) { for block in blocks { context.fireChannelRead(NIOAny(block)) } }
            context.write(data, promise: promise)
        }

        /// Whether one of the messages is a request (BEP 3: length 13, type 6).
        private static func asksForBlock(_ buffer: inout ByteBuffer) -> Bool {
            if buffer.getInteger(at: buffer.readerIndex, as: UInt8.self) == 19 {
                buffer.moveReaderIndex(forwardBy: min(68, buffer.readableBytes))
            }
            while let length = buffer.readInteger(as: UInt32.self) {
                if length == 13, buffer.getInteger(at: buffer.readerIndex, as: UInt8.self) == 6 { return true }
                buffer.moveReaderIndex(forwardBy: min(Int(length), buffer.readableBytes))
            }
            return false
        }
    }

    /// Speaks on its own loop as soon as it is connected: who is silent is left, however busy the machine is.
    private final class Greeter: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let greeting: ByteBuffer

        init(greeting: ByteBuffer) { self.greeting = greeting }

        func channelActive(context: ChannelHandlerContext) {
            context.writeAndFlush(Self.wrapOutboundOut(greeting), promise: nil)
        }
    }

    private static func block(_ number: Int, of bytes: [UInt8]) -> ByteBuffer {
        let start = number * 16_384
        let range = BlockRange(piece: 0, offset: UInt32(start), length: UInt32(min(16_384, bytes.count - start)))
        var message: [UInt8] = []
        PeerMessage.encodePieceHeader(range, into: &message)
        return ByteBuffer(bytes: message + bytes[start..<start + Int(range.length)])
    }

    @Test("Blocks that a flush brings in are copied from their own bytes, not from those that were being handled")
    func drainedByFlush() async throws {
        let sample = try SampleTorrent(kind: .v1, sizes: [32_768])
        let target = try SampleTorrent.scratch()
        defer { try? FileManager.default.removeItem(at: target) }
        let swarm = SwarmTests.makeSwarm()
        let address = try await swarm.listen(on: SwarmTests.loopback)
        let storage = try DirectoryStorage(sample.metainfo, at: target.path)
        let torrent = try await swarm.add(
            sample.metainfo,
            storage: storage,
            have: Bitfield(count: sample.metainfo.pieceMap.pieceCount)
        )
        let hash = try #require(sample.metainfo.infoHashes.v1)
        let bytes = sample.files[0].bytes
        let blocks = (0..<2).map { Self.block($0, of: bytes) }
        swarm.listener.register(hash) { connection in
            // Before the handler of the stream, where the socket is.
            try? connection.channel?.pipeline.syncOperations
                .addHandler(DrainingChannel(blocks: blocks), position: .first)
            torrent.accept(connection)
        }
        let sockets = TCPSockets(loop: MultiThreadedEventLoopGroup.singleton.next())
        let id = Digest160(Array(repeating: 9, count: 20)) ?? .zero
        var greeting = Handshake(capabilities: [.fast, .extensions], hash: hash, peerID: id).encoded
        greeting += PeerMessage.haveAll.encoded + PeerMessage.unchoke.encoded
        let peer = try await sockets.connect(to: address, timeout: .seconds(30)) { [greeting] channel in
            try channel.pipeline.syncOperations.addHandler(Greeter(greeting: ByteBuffer(bytes: greeting)))
        }.get()
        try await SwarmTests.complete(torrent)
        #expect(sample.isIdentical(in: target))
        try? await peer.close().get()
        await swarm.shutdown()
    }
}
