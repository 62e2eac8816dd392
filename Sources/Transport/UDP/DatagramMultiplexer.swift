// SPDX-License-Identifier: Apache-2.0
public import NIOCore
public import Wire

/// Takes the datagrams of one protocol off a shared socket. Called on the socket's event loop only.
public protocol DatagramReceiver: AnyObject {
    func receive(_ datagram: ByteBuffer, from source: Endpoint)
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
    public typealias InboundIn = AddressedEnvelope<ByteBuffer>

    // Weak: receivers own the socket.
    private struct Slot {
        weak var receiver: (any DatagramReceiver)?
    }

    private var slots = Array(repeating: Slot(), count: DatagramProtocol.allCases.count)
    /// Datagrams that nobody took.
    public private(set) var dropped = 0

    public init() {}

    public func register(_ receiver: (any DatagramReceiver)?, for kind: DatagramProtocol) {
        slots[kind.rawValue].receiver = receiver
    }

    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        guard let first = envelope.data.getInteger(at: envelope.data.readerIndex, as: UInt8.self),
            let receiver = slots[DatagramProtocol(firstByte: first).rawValue].receiver,
            let source = Endpoint(envelope.remoteAddress)
        else {
            dropped += 1
            return
        }
        receiver.receive(envelope.data, from: source)
    }
}
