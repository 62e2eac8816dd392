// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import NIOCore
import TestSupport
import Testing
import Wire

@testable import Swarm

@Suite("Streams that hide others")
struct ObfuscatedStreamTests {
    static let hash = Digest160(Array(1...20)) ?? .zero

    @Test(
        "What is written arrives, before and after the handshake, and exactly that is reported",
        arguments: [1, 50, 9000]
    )
    func payload(fragment: Int) {
        let (a, b) = PipeEnd.pair(fragment: fragment)
        var settled: [Bool] = []
        let dialler = ObfuscatedPeerStream(dialling: Self.hash, over: a, sharing: Obfuscation(policy: .require)) {
            settled.append($0)
        }
        let dialled = ObfuscatedPeerStream(accepting: b, sharing: Obfuscation(policy: .require)) { _ in Self.hash }
        let (near, far) = (StreamListener(), StreamListener())
        var random = SplitMix64(seed: 1)
        let (early, late, answer) = (random.bytes(68), random.bytes(3000), random.bytes(5000))
        dialler.start()
        dialler.receiver = near
        dialler.write(ByteBuffer(bytes: early))
        dialler.flush()
        dialled.start()
        dialled.receiver = far
        while a.carry() || b.carry() {}
        #expect(far.heard == early)
        #expect(near.taken == 68)
        #expect(settled == [true])
        dialler.write(ByteBuffer(bytes: late))
        dialled.write(ByteBuffer(bytes: answer))
        #expect(!a.sent.contains(late.prefix(16)))
        while a.carry() || b.carry() {}
        #expect(far.heard == early + late)
        #expect(near.heard == answer)
        #expect(near.taken == 68 + 3000)
        #expect(far.taken == 5000)
    }

    @Test("What is written while the handshake is under way waits for its end")
    func waiting() {
        let (a, b) = PipeEnd.pair(fragment: 5000)
        let dialler = ObfuscatedPeerStream(dialling: Self.hash, over: a, sharing: Obfuscation(policy: .offer)) { _ in }
        let dialled = ObfuscatedPeerStream(accepting: b, sharing: Obfuscation(policy: .offer)) { _ in Self.hash }
        let (near, far) = (StreamListener(), StreamListener())
        (dialler.receiver, dialled.receiver) = (near, far)
        dialler.start()
        dialled.start()
        #expect(a.carry())
        #expect(b.carry())
        // The dialler has said its piece and waits for the choice.
        dialler.write(ByteBuffer(bytes: [1, 2, 3]))
        dialler.write(ByteBuffer(bytes: [4]))
        while a.carry() || b.carry() {}
        #expect(far.heard == [1, 2, 3, 4])
        #expect(near.taken == 4)
    }

    @Test("A handshake that fails closes the carrier and ends the stream")
    func failure() {
        let (a, b) = PipeEnd.pair(fragment: 5000)
        var settled: [Bool] = []
        let dialler = ObfuscatedPeerStream(dialling: Self.hash, over: a, sharing: Obfuscation(policy: .offer)) {
            settled.append($0)
        }
        let near = StreamListener()
        dialler.receiver = near
        dialler.start()
        b.write(ByteBuffer(bytes: [UInt8](repeating: 7, count: 2000)))
        #expect(b.carry())
        #expect(near.hasEnded)
        #expect(a.isClosed)
        #expect(settled == [false])
    }

    @Test("Payload that nobody hears is kept for who does")
    func unheard() {
        let (a, b) = PipeEnd.pair(fragment: 5000)
        let dialler = ObfuscatedPeerStream(dialling: Self.hash, over: a, sharing: Obfuscation(policy: .offer)) { _ in }
        let dialled = ObfuscatedPeerStream(accepting: b, sharing: Obfuscation(policy: .offer)) { _ in Self.hash }
        dialler.start()
        dialler.write(ByteBuffer(bytes: [5, 6]))
        dialled.start()
        while a.carry() || b.carry() {}
        let far = StreamListener()
        dialled.receiver = far
        #expect(far.heard == [5, 6])
    }

    @Test("A plain connection that ends without a byte is made again, with what was written, and reported once")
    func secondAttempt() throws {
        let (a, b) = PipeEnd.pair(fragment: 5000)
        let (c, d) = PipeEnd.pair(fragment: 5000)
        let stream = PlainFirstStream(a) { $0(c) }
        let (near, far) = (StreamListener(), StreamListener())
        (stream.receiver, b.receiver, d.receiver) = (near, far, far)
        stream.write(ByteBuffer(bytes: [1, 2, 3]))
        stream.flush()
        #expect(a.carry())
        far.heard = []
        a.receiver?.ended()
        #expect(!near.hasEnded)
        stream.write(ByteBuffer(bytes: [4]))
        while c.carry() || d.carry() {}
        #expect(far.heard == [1, 2, 3, 4])
        #expect(near.taken == 4)
        c.receiver?.ended()
        #expect(near.hasEnded)
    }

    @Test("A plain connection on which a byte came is not made again")
    func firstAttempt() {
        let (a, b) = PipeEnd.pair(fragment: 5000)
        let stream = PlainFirstStream(a) { _ in Issue.record("made again") }
        let near = StreamListener()
        stream.receiver = near
        b.write(ByteBuffer(bytes: [9]))
        #expect(b.carry())
        a.receiver?.ended()
        #expect(near.heard == [9])
        #expect(near.hasEnded)
    }
}
