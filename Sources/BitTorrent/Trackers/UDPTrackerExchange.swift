// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// A request to a tracker over UDP, by which its end is reported.
public struct TrackerRequestID: Hashable, Sendable {
    /// Means nothing to the exchange.
    public let raw: UInt64
    /// Drawn by who asks; the same number must not be under way twice.
    public init(_ raw: UInt64) { self.raw = raw }
}

/// The exchange with one tracker at one address over UDP (BEP 15).
///
/// ```
///           request                reply
///   idle ───────────▶ connecting ─────────▶ connected ── 60 s ──▶ idle
///                      ▲ 15·2ⁿ s │             requests go out; each is sent again after 15·2ⁿ s,
///                      └─────────┘             n counting on over new connections
/// ```
/// Only a datagram that carries the number drawn for a request that is open is looked at further; what came from another
/// address must not be given to it at all. Bounds: 64 requests of about 1.5 KiB, more are refused; an input gives at most
/// two actions for each.
public struct UDPTrackerExchange: ~Copyable {
    static let maximumRequests = 64

    /// What the driver does: the socket and the timer are its own.
    public enum Action: Equatable, Sendable {
        case send([UInt8])
        case finished(TrackerRequestID, Result<UDPTrackerMessage.Reply, TrackerError>)
        /// Call `wake` at this time; replaces the time given before.
        case wake(at: Duration)
    }

    private enum Connection {
        case idle
        case connecting(transaction: UInt32)
        case connected(UInt64, until: Duration)
    }

    private struct Pending {
        var id: TrackerRequestID
        var request: UDPTrackerMessage.Request
        /// Drawn when it is sent first.
        var transaction: UInt32?
        /// How often it has been waited for, connecting included.
        var attempts = 0
        var deadline: Duration
    }

    private let isV6: Bool
    private let maximumAttempts: Int
    private var connection = Connection.idle
    private var pending: [Pending] = []
    private var random: SessionRandom
    private var actions: [Action] = []

    /// `maximumAttempts`: how often a request is waited for, 1...9: BEP 15 has nine, which end after two hours.
    /// `seed`: for transaction ids, which must not be guessable.
    public init(isV6: Bool, maximumAttempts: Int = 9, seed: UInt64) {
        self.isV6 = isV6
        self.maximumAttempts = min(max(maximumAttempts, 1), 9)
        random = SessionRandom(state: seed)
    }

    /// Nothing is waited for.
    public var isIdle: Bool { pending.isEmpty }

    // MARK: Inputs

    /// Asks; beyond 64 requests under way the answer is at once that the tracker is out of reach.
    public mutating func request(
        _ id: TrackerRequestID,
        _ request: UDPTrackerMessage.Request,
        now: Duration
    ) -> [Action] {
        guard pending.count < Self.maximumRequests else { return [.finished(id, .failure(.unreachable))] }
        pending.append(Pending(id: id, request: request, deadline: now + Self.timeout(0)))
        advance(now, isNew: true)
        return finish()
    }

    /// A datagram from the tracker's address.
    public mutating func receive(_ datagram: [UInt8], now: Duration) -> [Action] {
        guard let (transaction, reply) = UDPTrackerMessage.parse(datagram, isV6: isV6) else { return [] }
        if case .connecting(transaction) = connection {
            connected(reply, now)
        } else if let index = pending.firstIndex(where: { $0.transaction == transaction }) {
            answered(index, reply)
        } else {
            return []
        }
        return finish()
    }

    /// The time asked for has come.
    public mutating func wake(now: Duration) -> [Action] {
        var isLate = false
        for index in pending.indices.reversed() where pending[index].deadline <= now {
            pending[index].attempts += 1
            isLate = true
            if pending[index].attempts >= maximumAttempts {
                actions.append(.finished(pending.remove(at: index).id, .failure(.timeout)))
            } else {
                pending[index].deadline = now + Self.timeout(pending[index].attempts)
            }
        }
        if isLate { resend(now) }
        return finish()
    }

    /// Nothing more is waited for.
    public mutating func cancel(_ id: TrackerRequestID) { pending.removeAll { $0.id == id } }

    // MARK: Connecting

    private mutating func connected(_ reply: UDPTrackerMessage.Reply, _ now: Duration) {
        switch reply {
        case .connection(let id):
            connection = .connected(id, until: now + TrackerSpecification.connectionLifetime)
            for index in pending.indices { send(index, id) }
        case .failure(let text):
            connection = .idle
            for request in pending { actions.append(.finished(request.id, .failure(.refused(text, retry: nil)))) }
            pending = []
        case .announce, .scrape: break
        }
    }

    /// Sends what is new, or what is needed to send it.
    private mutating func advance(_ now: Duration, isNew: Bool) {
        switch connection {
        case .connected(let id, let until) where now < until:
            for index in pending.indices where pending[index].transaction == nil { send(index, id) }
        case .connecting where isNew: break
        default: connect()
        }
    }

    private mutating func connect() {
        guard !pending.isEmpty else {
            connection = .idle
            return
        }
        let transaction = UInt32.random(in: 0 ... .max, using: &random)
        connection = .connecting(transaction: transaction)
        actions.append(.send(UDPTrackerMessage.connect(transaction: transaction)))
    }

    /// Some request has waited long enough. All whose time-out restarted just now go out again.
    private mutating func resend(_ now: Duration) {
        guard case .connected(let id, let until) = connection, now < until else { return connect() }
        for index in pending.indices where pending[index].deadline == now + Self.timeout(pending[index].attempts) {
            send(index, id)
        }
    }

    private mutating func send(_ index: Int, _ connection: UInt64) {
        let transaction = pending[index].transaction ?? UInt32.random(in: 0 ... .max, using: &random)
        pending[index].transaction = transaction
        actions.append(
            .send(UDPTrackerMessage.encode(pending[index].request, connection: connection, transaction: transaction))
        )
    }

    // MARK: Answers

    private mutating func answered(_ index: Int, _ reply: UDPTrackerMessage.Reply) {
        switch (reply, pending[index].request) {
        case (.failure(let text), _):
            // It may be the connection id that it does not like.
            connection = .idle
            actions.append(.finished(pending.remove(at: index).id, .failure(.refused(text, retry: nil))))
        case (.announce, .announce), (.scrape, .scrape):
            actions.append(.finished(pending.remove(at: index).id, .success(reply)))
        default: break
        }
    }

    private mutating func finish() -> [Action] {
        if let next = pending.map(\.deadline).min() { actions.append(.wake(at: next)) }
        defer { actions = [] }
        return actions
    }

    private static func timeout(_ attempts: Int) -> Duration {
        TrackerSpecification.firstTimeout * (1 << min(attempts, 8))
    }
}
