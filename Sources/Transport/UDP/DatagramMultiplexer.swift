// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Kademlia
public import NIOCore
public import Wire

/// Takes the datagrams of one protocol off a shared socket. Called on the socket's event loop only.
public protocol DatagramReceiver: AnyObject {
    func receive(_ datagram: ByteBuffer, from source: Endpoint)
    /// A datagram in memory that is another's once this returns.
    func receive(inPlace datagram: Span<UInt8>, from source: Endpoint)
    /// Several datagrams from one source, which the kernel joined: each of `size` bytes, the last perhaps shorter.
    func receive(_ joined: ByteBuffer, datagramsOf size: Int, from source: Endpoint)
    /// Everything that had come has been handed over.
    func receivedAll()
}

extension DatagramReceiver {
    /// Takes a run apart for receivers that have no better way: `size` bytes each, the last perhaps less.
    public func receive(_ joined: ByteBuffer, datagramsOf size: Int, from source: Endpoint) {
        var rest = joined
        while rest.readableBytes > 0, let datagram = rest.readSlice(length: min(size, rest.readableBytes)) {
            receive(datagram, from: source)
        }
    }

    /// Copies a datagram for receivers that have no better way.
    public func receive(inPlace datagram: Span<UInt8>, from source: Endpoint) {
        var buffer = ByteBuffer()
        // SAFETY: bytes have no padding between them.
        unsafe buffer.writeBytes(datagram.bytes)
        receive(buffer, from: source)
    }

    /// Nothing, for receivers that act at once.
    public func receivedAll() {}
}

/// What shares the UDP port, told apart by the first byte of a datagram.
public enum DatagramProtocol: Int, Sendable, CaseIterable {
    /// A bencoded dictionary: `d`.
    case krpc
    /// BEP 29: version 1 in the low four bits, a type of 0 to 4 in the high ones.
    case utp
    /// Anything else.
    case other

    init(firstByte: UInt8) {
        switch firstByte {
        case UInt8(ascii: "d"): self = .krpc
        case 0x01, 0x11, 0x21, 0x31, 0x41: self = .utp
        default: self = .other
        }
    }
}

/// Hands each datagram to the receiver of its protocol; without one it is dropped. Confined to its event loop.
public final class DatagramMultiplexer: ChannelInboundHandler {
    /// For NIO.
    public typealias InboundIn = AddressedEnvelope<ByteBuffer>

    // Weak: receivers own the socket.
    private struct Slot {
        weak var receiver: (any DatagramReceiver)?
    }

    private var slots = Array(repeating: Slot(), count: DatagramProtocol.allCases.count)
    /// Memory for the descriptions of what is sent together: at most ``DatagramBatch/capacity`` of 40 bytes.
    private var outgoing: [roost_datagram] = []
    /// The socket to read the rest from once NIO has read a datagram; nil where NIO is to read all.
    var drained: Int32?
    /// Datagrams that nobody took.
    public private(set) var dropped = 0

    /// Without receivers: everything is dropped.
    public init() {}

    /// Hands datagrams of `kind` to `receiver` from now on, which is held weakly; nil for nobody.
    public func register(_ receiver: (any DatagramReceiver)?, for kind: DatagramProtocol) {
        slots[kind.rawValue].receiver = receiver
    }

    /// Says where in its bytes each datagram of a batch lies, and where it goes.
    func describe(_ batch: DatagramBatch, _ body: ([roost_datagram]) -> Void) {
        outgoing.removeAll(keepingCapacity: true)
        var start = 0
        for datagram in batch.datagrams {
            let length = datagram.end - start
            let port = datagram.destination.port
            switch datagram.destination.address {
            case .v4(let value):
                outgoing.append(
                    roost_datagram(start: start, length: length, high: 0, low: UInt64(value), port: port, is_v4: 1)
                )
            case .v6(let high, let low):
                outgoing.append(
                    roost_datagram(start: start, length: length, high: high, low: low, port: port, is_v4: 0)
                )
            }
            start = datagram.end
        }
        body(outgoing)
    }

    /// For NIO: one datagram, or a run that the system put together.
    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        guard let source = Endpoint(envelope.remoteAddress) else {
            dropped += 1
            return
        }
        let size = max(1, envelope.metadata?.segmentSize ?? envelope.data.readableBytes)
        guard size < envelope.data.readableBytes else { return hand(envelope.data, size, from: source) }
        // The kernel joins what came from one port, whatever the protocol.
        var rest = envelope.data
        while let kind = Self.kind(rest) {
            var end = rest.readerIndex + size
            while end < rest.writerIndex, Self.kind(rest, at: end) == kind { end += size }
            let count = min(end, rest.writerIndex) - rest.readerIndex
            if let run = rest.readSlice(length: count) { hand(run, size, from: source) }
        }
    }

    /// For NIO: takes what waits in the socket, then tells the receivers that the turn is over.
    public func channelReadComplete(context: ChannelHandlerContext) {
        if let drained {
            let channel = context.channel
            DatagramIntake.current.drain(drained, while: { channel.isActive && self.drained != nil }) { bytes, source in
                hand(inPlace: bytes, from: source)
            }
        }
        for slot in slots { slot.receiver?.receivedAll() }
    }

    private func hand(_ datagrams: ByteBuffer, _ size: Int, from source: Endpoint) {
        guard let kind = Self.kind(datagrams), let receiver = slots[kind.rawValue].receiver else {
            dropped += 1
            return
        }
        if size < datagrams.readableBytes {
            receiver.receive(datagrams, datagramsOf: size, from: source)
        } else {
            receiver.receive(datagrams, from: source)
        }
    }

    private func hand(inPlace datagram: Span<UInt8>, from source: Endpoint) {
        let kind = DatagramProtocol(firstByte: datagram[0])
        guard let receiver = slots[kind.rawValue].receiver else {
            dropped += 1
            return
        }
        receiver.receive(inPlace: datagram, from: source)
    }

    private static func kind(_ bytes: ByteBuffer, at index: Int? = nil) -> DatagramProtocol? {
        bytes.getInteger(at: index ?? bytes.readerIndex, as: UInt8.self).map { DatagramProtocol(firstByte: $0) }
    }
}
