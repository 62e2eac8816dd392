// SPDX-License-Identifier: Apache-2.0
public import NIOCore
public import Wire

/// What carries the bytes of a peer connection.
public enum PeerTransport: String, Hashable, Sendable, CaseIterable {
    case tcp
    /// BEP 29.
    case utp
}

/// Bytes to and from one peer, in order and without loss, whatever carries them: TCP, uTP, or one of them obfuscated.
///
/// Confined to one event loop, which is that of whoever made it. What arrives while there is no receiver is kept, up to
/// ``PeerStreamBounds/unheardBytes``; from there on nothing is taken off the network until there is one.
public protocol PeerByteStream: AnyObject {
    /// The other side.
    var endpoint: Endpoint { get }
    var transport: PeerTransport { get }
    /// Passive observers see no BitTorrent handshake.
    var isObfuscated: Bool { get }
    /// Who is told what happens. Held weakly. Setting it delivers at once what was kept; a stream that has ended by then says
    /// so. With nil nobody is told anything.
    var receiver: (any PeerStreamReceiver)? { get set }

    /// Queues bytes; they leave with the next ``flush()``. Each call is answered by as many ``PeerStreamReceiver/wrote(_:_:)``
    /// as make up its length, until the stream ends. There is no bound here: the session stops at its own. Given away, so that it can
    /// be encrypted in place.
    func write(_ bytes: consuming ByteBuffer)
    func flush()
    /// Ends the stream after what was flushed has been handed to the network; the receiver hears nothing more.
    func close()
}

/// Hears of one stream. Called on its event loop, never from within ``PeerByteStream/write(_:)``, but possibly from within
/// ``PeerByteStream/flush()``: a socket whose write fails is read dry before that returns.
public protocol PeerStreamReceiver: AnyObject {
    func received(_ bytes: ByteBuffer)
    /// The network has taken this many bytes more. `buffer`: the memory of a write that is done, to be used again.
    func wrote(_ count: Int, _ buffer: ByteBuffer?)
    /// The stream has ended, for whatever reason; nothing follows.
    func ended()
}

/// Bounds that every kind of stream keeps.
public enum PeerStreamBounds {
    /// Bytes that are kept while nobody listens.
    public static let unheardBytes = 65_536
}
