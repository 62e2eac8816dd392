// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Feeds
import Keys
import NIOCore
import NIOPosix
import Testing
import Wire

@testable import Node

@Suite struct HostilePeerTests {
    /// Says what it was told to, and nothing else.
    private final class Speaker: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let bytes: [UInt8]

        init(_ bytes: [UInt8]) {
            self.bytes = bytes
        }

        func channelActive(context: ChannelHandlerContext) {
            context.writeAndFlush(NIOAny(ByteBuffer(bytes: bytes)), promise: nil)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    /// Greets back, and answers each request for the site's key with another one.
    private final class Impostor: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let hello: [UInt8]
        private let key: PublicKey
        private var hasGreeted = false
        private var heard: [UInt8] = []

        init(hello: [UInt8], key: PublicKey) {
            self.hello = hello
            self.key = key
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            heard += Array(buffer: Self.unwrapInboundIn(data))
            if !hasGreeted { say(hello, context) }
            hasGreeted = true
            // "Get key" is type 1; its number stands before it.
            let words = String(decoding: heard, as: UTF8.self)
            guard let request = words.firstMatch(of: /d1:ii([0-9]+)e1:ti1ee/), let id = UInt32(request.1) else {
                return
            }
            heard = []
            let answer = SiteMessage.answer(id: id, .key(key)).encoded
            say(PeerMessage.extended(id: ExtensionWire.number, payload: answer).encoded, context)
        }

        private func say(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
            context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
        }
    }

    private static func hello(_ site: Digest256) -> [UInt8] {
        ExtensionWire(site: site, ownID: Hash.sha1([9])).hello(client: "x", listenPort: nil)
    }

    /// Connects, says `bytes`, and waits until the node closes.
    private static func dial(_ node: SiteNode, saying bytes: [UInt8]) async throws {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in channel.pipeline.addHandler(Speaker(bytes)) }
            .connect(host: "127.0.0.1", port: Int(node.address.port)).get()
        try await channel.closeFuture.get()
    }

    @Test(
        "garbage, an answer that nobody asked for and an oversized message close the connection, and the site is served on"
    )
    func garbage() async throws {
        let world = SiteWorld()
        let owner = try await SiteNode(in: world)
        let keys = try SiteOwner()
        let feed = try await keys.create(on: owner)
        let hello = Self.hello(keys.site)
        func framed(_ payload: [UInt8]) -> [UInt8] {
            PeerMessage.extended(id: ExtensionWire.number, payload: payload).encoded
        }
        let unasked = SiteMessage.answer(id: 77, .key(keys.next.publicKey)).encoded
        let lie = SiteMessage.answer(id: 1, .head([UInt8](repeating: 1, count: 90), holds: [])).encoded
        for said in [
            framed([1, 2, 3]), framed(unasked), framed(lie), framed([UInt8](repeating: 0x64, count: 20_000)),
            [0x7F, 0xFF, 0xFF, 0xFF, 20], PeerMessage.choke.encoded,
        ] {
            try await Self.dial(owner, saying: hello + said)
        }
        #expect(try await SiteNode.eventually { owner.service.connectionCount == 0 })
        let reader = try await SiteNode(in: world)
        #expect(try await reader.service.refresh(.site(keys.site), peers: [owner.address]).feed == feed)
        for node in [reader, owner] { await node.end() }
    }

    @Test("a holder that says nothing does not hold up the others, and one that lies adds nothing")
    func silentAndLying() async throws {
        let world = SiteWorld()
        let (owner, reader) = (try await SiteNode(in: world), try await SiteNode(in: world))
        let keys = try SiteOwner()
        let feed = try await keys.create(on: owner)
        let hello = Self.hello(keys.site)
        var others: [any Channel] = []
        let lie = PeerMessage.extended(
            id: ExtensionWire.number,
            payload: SiteMessage.answer(id: 1, .key(keys.next.publicKey)).encoded
        ).encoded
        for said in [[], hello, hello + lie] {
            others.append(
                try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .childChannelInitializer { channel in channel.pipeline.addHandler(Speaker(said)) }
                    .bind(host: "127.0.0.1", port: 0).get()
            )
        }
        let hostile = others.compactMap { $0.localAddress?.port }.map { Endpoint(.v4(0x7F00_0001), port: UInt16($0)) }
        let found = try await reader.service.refresh(.site(keys.site), peers: hostile + [owner.address])
        #expect(found.feed == feed && found.agreed == 1)
        #expect(reader.service.holders(of: keys.site) == [owner.address])
        for channel in others { try await channel.close().get() }
        for node in [reader, owner] { await node.end() }
    }

    @Test("S4-62: a site that only an impostor answers for is refused, and the reader is told so")
    func onlyAnImpostor() async throws {
        let reader = try await SiteNode(in: SiteWorld())
        let keys = try SiteOwner()
        let impostor = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = Impostor(hello: Self.hello(keys.site), key: keys.next.publicKey)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let address = Endpoint(.v4(0x7F00_0001), port: UInt16(try #require(impostor.localAddress?.port)))
        let error = await #expect(throws: NodeError.self) {
            try await reader.service.refresh(.site(keys.site), peers: [address])
        }
        #expect(error?.kind == .unavailable)
        #expect(error?.message.contains("an impostor offered") == true)
        #expect(reader.service.impostors(of: keys.site) == 1)
        #expect(try await reader.service.feed(of: keys.site) == nil)
        try await impostor.close().get()
        await reader.end()
    }

    @Test("one address may hold four connections to a site, and no more")
    func perAddress() async throws {
        let owner = try await SiteNode(in: SiteWorld())
        let keys = try SiteOwner()
        _ = try await keys.create(on: owner)
        var channels: [any Channel] = []
        for _ in 0..<8 {
            channels.append(
                try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .channelInitializer { $0.pipeline.addHandler(Speaker(Self.hello(keys.site))) }
                    .connect(host: "127.0.0.1", port: Int(owner.address.port)).get()
            )
        }
        #expect(try await SiteNode.eventually { channels.count { !$0.isActive } == 4 })
        #expect(owner.service.connectionCount == SiteService.maximumFromAddress)
        for channel in channels { try? await channel.close().get() }
        await owner.end()
    }
}
