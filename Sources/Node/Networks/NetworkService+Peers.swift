// SPDX-License-Identifier: Apache-2.0
internal import Kademlia
internal import Storage
internal import Transport
internal import Wire

extension NetworkService: PeerFinding {
    func peers(for hash: Digest160) -> AsyncStream<[Endpoint]> {
        guard !isDenied(hash) else { return AsyncStream { $0.finish() } }
        let found = dht.peers(for: hash)
        return local?.peers(for: hash, beside: found) ?? found
    }

    var dhtPort: UInt16? { name == "mainline" ? localEndpoint.port : nil }

    func meet(_ node: Endpoint) {
        if name == "mainline" { dht.meet(node) }
    }
}

extension NetworkService {
    /// Says that we serve a torrent or site, at the port for peers, and says it again every 15 minutes until
    /// ``withdraw(_:)``: also where nobody could be told yet. A rule against it forbids it.
    ///
    /// `isSeed`: all of a torrent is here (BEP 33).
    /// - Returns: how many nodes noted it. Cancelling ends this first round only.
    @discardableResult
    func announce(_ hash: Digest160, isSeed: Bool = false) async throws(NodeError) -> Int {
        try admit(.announce, Admission.Subject(short: hash))
        local?.announce(hash)
        do throws(DHTServiceError) {
            // The port of our datagrams as others see it is also that of TCP.
            return try await dht.announce(hash, port: nil, isSeed: isSeed, keep: .own).stored
        } catch { throw NodeError(error) }
    }

    /// Stops saying so; what others noted of it expires within half an hour.
    func withdraw(_ hash: Digest160) {
        local?.withdraw(hash)
        dht.stopPublishing(.peer(infoHash: hash, port: nil))
    }

    /// The nodes closest to a target, closest first, and the way that led there.
    func findNode(_ target: NodeID) async throws(NodeError) -> LookupReport {
        do throws(DHTServiceError) {
            return try await dht.findNode(target)
        } catch { throw NodeError(error) }
    }

    // MARK: Admission

    func isDenied(_ hash: Digest160) -> Bool { context.admission.denial(of: Admission.Subject(short: hash)) != nil }

    func admit(_ action: Admission.Action, _ subject: Admission.Subject) throws(NodeError) {
        guard case .denied(let rule) = context.admission.verdict(on: action, of: subject) else { return }
        throw NodeError(
            .denied,
            "a rule of the list '\(rule.list)' forbids it" + (rule.reason.isEmpty ? "" : ": \(rule.reason)"),
            remedy: "Take the rule back with `roost deny remove` if you mean it."
        )
    }
}

extension NodeError {
    /// What a failure of the DHT means to its user.
    init(_ error: DHTServiceError) {
        switch error {
        case .busy:
            self.init(.unavailable, "too many searches are under way", remedy: "Try again in a few seconds.")
        case .cancelled:
            self.init(.unavailable, "the search was ended before it was done", remedy: "Try again.")
        case .sequenceExhausted:
            self.init(
                .unavailable,
                "the item has the highest number there is, and nothing can follow it",
                remedy: "Use another salt or another key."
            )
        case .item(let error): self.init(error)
        }
    }

    /// Why something is no item of BEP 44.
    init(_ error: ItemError) {
        switch error {
        case .valueTooLarge(let bytes):
            self.init(
                .usage,
                "the value has \(bytes) bytes in bencoding, and at most \(DHTSpecification.maximumValue) can be stored",
                remedy: "Shorten it."
            )
        case .saltTooLarge(let bytes):
            self.init(
                .usage,
                "the salt has \(bytes) bytes, and at most \(DHTSpecification.maximumSalt) are allowed",
                remedy: "Shorten it."
            )
        case .invalidValue, .negativeSequence, .invalidSignature:
            self.init(.badData, "the bytes are no valid DHT item", remedy: "Get them again from another source.")
        }
    }
}
