// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Logging
internal import NIOCore
internal import Transport
internal import Wire

/// Connects one web seed to its torrent's session: carries out what a ``WebSeed`` decides. Confined to the torrent's event loop.
final class WebSeedDriver: HTTPConnectionUser {
    private static let maximumPolicies = 64
    /// Zeros handed over at once.
    private static let zeroChunk = 65_536
    /// When all places at a host are taken.
    private static let crowdedPause = TimeAmount.seconds(2)

    let address: WebSeedAddress
    let id: ConnectionID
    private let loop: any EventLoop
    private let dialer: HTTPDialer
    private let places: WebSeedPlaces
    private weak var driver: TorrentDriver?
    private let logger: Logger
    private var seed: WebSeed
    private var connection: HTTPConnection?
    private var place: WebSeedPlaces.Place?
    /// Counts connections, so that one that comes too late is known.
    private var attempt = 0
    /// Where redirects have led, by host and port.
    private var policies: [String: AddressPolicy] = [:]
    private var timer: Scheduled<Void>?
    private var status = 0
    /// What the session asked for in this turn; at most the runs that it allows.
    private var waiting: [Range<PieceIndex>] = []
    private(set) var received: Int64 = 0
    private(set) var retirement: WebSeed.Retirement?
    private(set) var isWaiting = false
    private var isClosed = false

    init(
        _ address: WebSeedAddress,
        id: ConnectionID,
        seed: consuming WebSeed,
        driver: TorrentDriver,
        dialer: HTTPDialer,
        places: WebSeedPlaces,
        logger: Logger
    ) {
        self.address = address
        self.id = id
        self.seed = seed
        self.driver = driver
        self.dialer = dialer
        self.places = places
        self.logger = logger
        loop = driver.loop
    }

    private static var now: Duration { TorrentDriver.now }

    // MARK: Commands

    /// Asks for pieces, on a turn of its own: writing to a socket can bring in what others sent, and this may be called while
    /// the session's actions are being performed.
    func fetch(_ pieces: Range<PieceIndex>) {
        waiting.append(pieces)
        guard waiting.count == 1 else { return }
        loop.assumeIsolated().execute { self.fetchWaiting() }
    }

    private func fetchWaiting() {
        // What comes of one may take the others back.
        while !waiting.isEmpty, !isClosed { perform(seed.fetch(waiting.removeFirst(), now: Self.now)) }
    }

    /// The session wants no more of it.
    func close() {
        isClosed = true
        timer?.cancel()
        disconnect()
    }

    // MARK: Connections

    private func connect(to url: ServiceURL, isGiven: Bool) {
        attempt += 1
        let number = attempt
        guard let place = places.take(url.host) else {
            loop.assumeIsolated().scheduleTask(in: Self.crowdedPause) { [weak self] in
                guard let self, self.attempt == number, !self.isClosed else { return }
                self.connect(to: url, isGiven: isGiven)
            }
            return
        }
        self.place = place
        let policy = isGiven ? address.policy : policies[url.authority] ?? .stranger
        dialer.connect(to: url, policy: policy) { [weak self] result in
            guard let self, self.attempt == number, !self.isClosed else {
                if case .success(let late) = result { late.close() }
                return
            }
            switch result {
            case .success(let connection):
                self.connection = connection
                connection.user = self
                self.perform(self.seed.connected(now: Self.now))
            case .failure(let error):
                self.logger.debug("web seed not reached", metadata: ["reason": "\(error)"])
                self.place = nil
                self.perform(self.seed.closed(isForbidden: error == .forbidden, now: Self.now))
            }
        }
    }

    private func disconnect() {
        attempt += 1
        connection?.close()
        connection = nil
        place = nil
    }

    func closed(_ connection: HTTPConnection, _ error: HTTPError) {
        guard connection === self.connection else { return }
        self.connection = nil
        place = nil
        perform(seed.closed(isSlow: error == .timeout, now: Self.now))
    }

    // MARK: Answers

    func began(_ head: HTTPHead, from connection: HTTPConnection) {
        guard connection === self.connection else { return }
        status = head.status
        var location: ServiceURL?
        if head.isRedirect, let (next, policy) = connection.origin.following(head.location, named: connection.remote) {
            location = next
            // A place that was named by several is as open as the least of them makes it.
            let known = policies[next.authority] ?? policy
            if policies.count < Self.maximumPolicies || policies[next.authority] != nil {
                policies[next.authority] = policy == .stranger ? .stranger : known
            }
        }
        perform(
            seed.began(
                status: head.status,
                length: head.contentLength,
                range: head.contentRange,
                location: location,
                retryAfter: head.retryAfter,
                isPlain: head.isPlain,
                now: Self.now
            )
        )
    }

    func received(_ body: ByteBuffer, from connection: HTTPConnection) {
        guard connection === self.connection else { return }
        let digits = status == 503 ? Array(body.readableBytesView.prefix(16)) : []
        perform(seed.received(body.readableBytes, bytes: digits, now: Self.now), input: body)
    }

    func ended(_ connection: HTTPConnection) {
        guard connection === self.connection else { return }
        perform(seed.ended(now: Self.now))
    }

    // MARK: Actions

    private func perform(_ actions: [WebSeed.Action], input: ByteBuffer? = nil) {
        var input = input ?? ByteBuffer()
        for action in actions where !isClosed {
            switch action {
            case .connect(let url, let isGiven): connect(to: url, isGiven: isGiven)
            case .request(let url, let range): connection?.get(url, range: range)
            case .disconnect: disconnect()
            case .skip(let count): _ = input.readSlice(length: count)
            case .deliver(let count):
                guard let data = input.readSlice(length: count) else { continue }
                received += Int64(count)
                driver?.received(data, fromWebSeed: id)
            case .zeros(let count): deliverZeros(count)
            case .fail(let lacks):
                // The session takes back all that it asked for, what has not been looked at included.
                waiting = []
                driver?.update { $0.webSeedFailed(id, lacks: lacks, now: $1) }
            case .setReady(let isReady):
                isWaiting = !isReady
                driver?.update { $0.setWebSeed(id, isReady: isReady, now: $1) }
            case .retire(let reason): retire(reason)
            case .wake(let time): schedule(time)
            }
        }
    }

    private func deliverZeros(_ count: Int) {
        var left = count
        while left > 0 {
            let part = min(left, Self.zeroChunk)
            driver?.received(ByteBuffer(repeating: 0, count: part), fromWebSeed: id)
            left -= part
        }
    }

    private func retire(_ reason: WebSeed.Retirement) {
        logger.debug("web seed given up", metadata: ["reason": "\(reason)"])
        retirement = reason
        close()
        driver?.update { $0.removeWebSeed(id, now: $1) }
    }

    private func schedule(_ time: Duration) {
        timer?.cancel()
        let wait = max(.zero, time - Self.now).components
        let delay = TimeAmount.nanoseconds(
            min(wait.seconds, 1 << 31) * 1_000_000_000 + wait.attoseconds / 1_000_000_000
        )
        timer = loop.assumeIsolated().scheduleTask(in: delay) { [weak self] in
            guard let self else { return }
            self.perform(self.seed.wake(now: Self.now))
        }
    }
}
