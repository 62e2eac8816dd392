// SPDX-License-Identifier: Apache-2.0
public import BitTorrent
public import NIOCore
public import Wire

/// A connection that somebody made to us, as far as its first 48 bytes tell.
///
/// On the event loop of `channel`, which reads nothing more until a handler has been added.
public struct IncomingConnection: Sendable {
    public let channel: any Channel
    public let endpoint: Endpoint
    public let capabilities: Handshake.Capabilities
    /// What stands where the infohash does: of a torrent, or the beginning of a site's id.
    public let hash: Digest160
    /// Everything that came, from the first byte of the handshake.
    public let received: ByteBuffer
}

/// Takes connections that name a hash. Called on the swarm's event loop.
public typealias ConnectionAcceptor = @Sendable (IncomingConnection) -> Void
