// SPDX-License-Identifier: Apache-2.0

/// What a peer sent that ends the connection.
public enum PeerWireError: Error, Hashable, Sendable {
    /// The first bytes are no BitTorrent handshake.
    case notBitTorrent
    /// A message longer than its kind may be.
    case messageTooLong(id: UInt8, length: UInt32)
    /// A message whose length does not fit its kind.
    case malformed(id: UInt8, length: UInt32)
    /// An extension message (BEP 10) that does not decode.
    case malformedExtension(id: UInt8)
}
