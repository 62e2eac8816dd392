// SPDX-License-Identifier: Apache-2.0
public import Wire

/// A message of `ut_holepunch` (BEP 55): two peers that cannot be dialled meet through one that both are connected to.
public struct HolepunchMessage: Equatable, Sendable {
    /// Who tells whom what; the number is the first byte of the message.
    public enum Kind: UInt8, Sendable {
        /// To the relay: introduce me to this peer.
        case rendezvous = 0
        /// From the relay: dial this peer over uTP now.
        case connect = 1
        /// From the relay: it cannot be done.
        case error = 2
    }

    /// Why a relay cannot introduce; the numbers are BEP 55's.
    public enum Failure: UInt32, Sendable {
        case noSuchPeer = 1
        case notConnected = 2
        case noSupport = 3
        case noSelf = 4
    }

    /// What the message is for.
    public var kind: Kind
    /// The other of the two peers that are to meet.
    public var endpoint: Endpoint
    /// Only in an error; nil for codes that BEP 55 does not know.
    public var failure: Failure?

    /// `failure` goes with ``Kind/error`` only.
    public init(_ kind: Kind, _ endpoint: Endpoint, failure: Failure? = nil) {
        self.kind = kind
        self.endpoint = endpoint
        self.failure = failure
    }

    /// Nil for a kind that BEP 55 does not define, which is to be ignored.
    public static func parse(_ payload: [UInt8], id: UInt8) throws(PeerWireError) -> HolepunchMessage? {
        var reader = ByteReader(payload)
        guard let rawKind = reader.read(UInt8.self), let family = reader.read(UInt8.self), family <= 1 else {
            throw .malformedExtension(id: id)
        }
        let size = family == 0 ? 6 : 18
        let body = reader.remaining
        guard body.count >= size, let endpoint = Endpoint(compact: body.prefix(size)) else {
            throw .malformedExtension(id: id)
        }
        guard let kind = Kind(rawValue: rawKind) else { return nil }
        // Some leave the code out where it means nothing.
        let code = body.dropFirst(size).prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return HolepunchMessage(kind, endpoint, failure: kind == .error ? Failure(rawValue: code) : nil)
    }

    /// The payload behind the extension's number: kind, family, address, port, error code.
    public var encoded: [UInt8] {
        var bytes = [kind.rawValue, endpoint.address.isV4 ? 0 : 1] + endpoint.compact
        bytes.append(bigEndian: failure?.rawValue ?? 0)
        return bytes
    }
}
