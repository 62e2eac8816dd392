// SPDX-License-Identifier: Apache-2.0
public import BitTorrent
public import NIOCore
public import Wire

/// What a tracker answered, and who it was.
public struct TrackerAnswer: Sendable {
    /// Peers that the tracker may name: those of its own kind of network, and public ones.
    public var reply: AnnounceReply
    public var server: IPAddress
}

/// Asks trackers, over HTTP, HTTPS or UDP. May be used from anywhere; all work is done on its event loop.
public final class TrackerClient: Sendable {
    /// Longer than a UDP request waits.
    public static let timeout = TimeAmount.seconds(50)

    public let loop: any EventLoop
    private let dialer: HTTPDialer
    private let datagrams: NIOLoopBoundBox<UDPTrackerDriver>

    /// Works on `dialer`'s event loop.
    public init(dialer: HTTPDialer) {
        self.dialer = dialer
        loop = dialer.loop
        datagrams = .makeBoxSendingValue(UDPTrackerDriver(loop: loop), eventLoop: loop)
    }

    /// Closes the sockets; what is under way fails.
    public func close() { loop.execute { self.datagrams.value.close() } }

    // MARK: Announce

    /// - Throws: (in the future) ``TrackerError``.
    public func announce(
        to url: ServiceURL,
        _ request: AnnounceRequest,
        policy: AddressPolicy
    ) -> EventLoopFuture<TrackerAnswer> {
        guard url.scheme == .udp else { return announceHTTP(to: url, request, policy) }
        return loop.flatSubmit { self.announceUDP(to: url, request, policy) }
    }

    private func announceHTTP(
        to url: ServiceURL,
        _ request: AnnounceRequest,
        _ policy: AddressPolicy
    ) -> EventLoopFuture<TrackerAnswer> {
        get(HTTPTracker.announceURL(url, request), policy).flatMapThrowing { reply in
            var parsed = try Self.parse(reply) { (body) throws(TrackerError) in try HTTPTracker.parseAnnounce(body) }
            Self.judge(&parsed.peers, reply.remote.address)
            return TrackerAnswer(reply: parsed, server: reply.remote.address)
        }
    }

    /// A tracker may name peers like itself, and public ones.
    private static func judge(_ peers: inout [Endpoint], _ server: IPAddress) {
        let policy = AddressPolicy.named(by: server)
        peers.removeAll { !policy.admits($0) }
    }

    /// Over each family in which the tracker has an address, since each knows only peers of its own (BEP 15).
    private func announceUDP(
        to url: ServiceURL,
        _ request: AnnounceRequest,
        _ policy: AddressPolicy
    ) -> EventLoopFuture<TrackerAnswer> {
        let message = UDPTrackerMessage.Request.announce(request, url: url.target == "/" ? "" : url.target)
        return eachFamily(url, policy, message).flatMapThrowing { answers in
            var result: TrackerAnswer?
            for (endpoint, answer) in answers {
                guard case .announce(var reply) = answer else { continue }
                Self.judge(&reply.peers, endpoint.address)
                if result == nil {
                    result = TrackerAnswer(reply: reply, server: endpoint.address)
                } else {
                    result?.reply.peers += reply.peers
                }
            }
            guard let result else { throw TrackerError.malformed }
            return result
        }
    }

    // MARK: Scrape

    /// The torrents of which the tracker knows.
    /// - Throws: (in the future) ``TrackerError``.
    public func scrape(
        _ url: ServiceURL,
        _ hashes: [Digest160],
        policy: AddressPolicy
    ) -> EventLoopFuture<[Digest160: ScrapeCount]> {
        guard url.scheme == .udp else {
            guard let place = HTTPTracker.scrapeURL(url, hashes) else {
                return loop.makeFailedFuture(TrackerError.noScrape)
            }
            return get(place, policy).flatMapThrowing { reply in
                try Self.parse(reply) { (body) throws(TrackerError) in try HTTPTracker.parseScrape(body) }
            }
        }
        return loop.flatSubmit {
            self.eachFamily(url, policy, .scrape(hashes)).flatMapThrowing { answers in
                guard case .scrape(let counts)? = answers.first?.1 else { throw TrackerError.malformed }
                return Dictionary(zip(hashes, counts), uniquingKeysWith: { first, _ in first })
            }
        }
    }

    // MARK: Carrying

    private func get(_ url: ServiceURL, _ policy: AddressPolicy) -> EventLoopFuture<HTTPReply> {
        dialer.get(
            url,
            policy: policy,
            maximumBytes: TrackerSpecification.maximumReplyBytes,
            timeout: Self.timeout
        ).flatMapErrorThrowing { throw Self.error($0) }
    }

    /// The first address of each family; fails only where all do.
    private func eachFamily(
        _ url: ServiceURL,
        _ policy: AddressPolicy,
        _ request: UDPTrackerMessage.Request
    ) -> EventLoopFuture<[(Endpoint, UDPTrackerMessage.Reply)]> {
        dialer.endpoints(of: url, policy: policy).flatMapErrorThrowing { throw Self.error($0) }.flatMap { endpoints in
            let first = [endpoints.first { $0.address.isV4 }, endpoints.first { !$0.address.isV4 }].compactMap(\.self)
            let answers = first.map { endpoint in
                let promise = self.loop.makePromise(of: UDPTrackerMessage.Reply.self)
                self.datagrams.value.request(request, at: endpoint) {
                    promise.completeWith($0.mapError { $0 as any Error })
                }
                return promise.futureResult.map { (endpoint, $0) }
            }
            return EventLoopFuture.whenAllComplete(answers, on: self.loop).flatMapThrowing { results in
                let good = results.compactMap { try? $0.get() }
                guard good.isEmpty, let failure = results.first else { return good }
                return [try failure.get()]
            }
        }
    }

    private static func parse<Value>(
        _ reply: HTTPReply,
        _ parser: ([UInt8]) throws(TrackerError) -> Value
    ) throws(TrackerError) -> Value {
        do throws(TrackerError) {
            return try parser(reply.body)
        } catch {
            // A failure may say more than the status does.
            if error == .malformed, reply.status != 200 { throw .status(reply.status) }
            throw error
        }
    }

    private static func error(_ error: any Error) -> TrackerError {
        switch error as? HTTPError {
        case .forbidden, .badRedirect: .forbidden
        case .timeout: .timeout
        case .malformed, .tooLarge: .malformed
        default: (error as? TrackerError) ?? .unreachable
        }
    }
}
