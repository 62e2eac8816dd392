// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Feeds
internal import Wire

/// The bytes of a connection that carries one extension (BEP 10) and no pieces: both handshakes, then payloads
/// (`docs/protocols/site-exchange.md` §1).
///
///     handshake ──68 bytes──▶ extension handshake ──message 20/0──▶ payloads
///
/// Memory: one message of at most 128 KiB.
struct ExtensionWire: Sendable {
    enum Event: Equatable, Sendable {
        /// The peer speaks the extension under this hash, says where it listens, and whether it reads messages that stand in
        /// our extension handshake.
        case opened(listenPort: UInt16?, readsEarly: Bool = false)
        case payload([UInt8])
    }

    enum Failure: Error, Equatable {
        case notBitTorrent
        case otherHash
        /// Our own peer id came back.
        case ourselves
        /// No BEP 10, or not this extension in it.
        case noSuchExtension
        /// Also a message that has no place here.
        case malformed(PeerWireError)
    }

    /// Our number for the extension.
    static let number: UInt8 = 1

    private let hash: Digest160
    private let name: String
    private let ownID: Digest160
    /// Messages may stand in extension handshakes, in both directions.
    private let hasEarly: Bool
    private var handshake: [UInt8]? = []
    private var peerNumber: UInt8?
    // No bitfield has a place here.
    private var parser = PeerMessageParser(limits: PeerMessageParser.Limits(bitfieldBytes: 0))

    /// `hash`: stands where the infohash does, in both directions. `name`: of the extension.
    init(hash: Digest160, name: String, ownID: Digest160, hasEarly: Bool = false) {
        self.hash = hash
        self.name = name
        self.ownID = ownID
        self.hasEarly = hasEarly
    }

    /// For site exchange.
    init(site: Digest256, ownID: Digest160) {
        self.init(
            hash: SiteLocations.holders(of: site),
            name: SiteExchangeSpecification.extensionName,
            ownID: ownID,
            hasEarly: true
        )
    }

    /// What each side sends at once. `early`: messages that need not wait for the peer's number.
    func hello(client: String, listenPort: UInt16?, early: [[UInt8]] = []) -> [UInt8] {
        var extensions = ExtensionHandshake()
        if hasEarly { extensions.early = early }
        extensions.extensions = [name: Self.number]
        extensions.client = client
        extensions.listenPort = listenPort
        return Handshake(capabilities: .extensions, hash: hash, peerID: ownID).encoded
            + PeerMessage.extended(id: 0, payload: extensions.encoded).encoded
    }

    /// A payload as it goes out; empty before the peer has said its number for it.
    func frame(_ payload: [UInt8]) -> [UInt8] {
        peerNumber.map { PeerMessage.extended(id: $0, payload: payload).encoded } ?? []
    }

    /// Takes the next bytes, in whatever portions they come.
    mutating func receive(_ bytes: [UInt8]) throws(Failure) -> [Event] {
        let rest = try receiveHandshake(bytes)
        var events: [Event] = []
        var offset = 0
        do throws(PeerWireError) {
            while let event = try parser.next(rest.span, offset: &offset) {
                guard case .message(let message) = event else { throw .malformedExtension(id: 0) }
                switch message {
                case .keepAlive: break
                case .extended(0, let payload): events += try open(payload)
                case .extended(Self.number, let payload) where peerNumber != nil: events.append(.payload(payload))
                default: throw .malformedExtension(id: PeerMessageID.extended)
                }
            }
        } catch {
            throw .malformed(error)
        }
        if peerNumber == 0 { throw .noSuchExtension }
        return events
    }

    /// What of the bytes comes behind the handshake.
    private mutating func receiveHandshake(_ bytes: [UInt8]) throws(Failure) -> [UInt8] {
        guard var collected = handshake else { return bytes }
        collected += bytes
        let parsed: Handshake?
        do throws(PeerWireError) {
            parsed = try Handshake.parse(collected[...])
        } catch {
            throw .notBitTorrent
        }
        guard let parsed else {
            handshake = collected
            return []
        }
        guard parsed.hash == hash else { throw .otherHash }
        guard parsed.capabilities.contains(.extensions) else { throw .noSuchExtension }
        guard parsed.peerID != ownID else { throw .ourselves }
        handshake = nil
        return Array(collected.dropFirst(Handshake.byteCount))
    }

    /// The first extension handshake opens, and may bring messages; later ones change nothing.
    private mutating func open(_ payload: [UInt8]) throws(PeerWireError) -> [Event] {
        guard peerNumber == nil else { return [] }
        let handshake = try ExtensionHandshake(parsing: payload)
        peerNumber = handshake.extensions[name] ?? 0
        if peerNumber == 0 { return [] }
        let early = hasEarly ? handshake.early ?? [] : []
        return [.opened(listenPort: handshake.listenPort, readsEarly: handshake.early != nil)]
            + early.map { .payload($0) }
    }
}
