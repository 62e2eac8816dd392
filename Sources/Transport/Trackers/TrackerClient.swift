// SPDX-License-Identifier: Apache-2.0
public import BitTorrent
public import NIOCore
public import Wire

/// What a tracker answered, and who it was.
public struct TrackerAnswer: Sendable {
    /// Peers that the tracker may name: those of its own kind of network, and public ones.
    public var reply: AnnounceReply
    /// The address that answered, after redirects.
    public var server: IPAddress
}

/// Asks trackers, over HTTP, HTTPS or UDP. May be used from anywhere; all work is done on its event loop.
public final class TrackerClient: Sendable {
    /// Longer than a UDP request waits.
    public static let timeout = TimeAmount.seconds(50)

    /// Where all work is done.
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

    /// Announces once in each family in which the tracker has an address (BEP 7, BEP 15): it knows us by the address that it
    /// sees, and of a family only the peers of that. The answers come as they come: one family must not wait for another
    /// in which nothing arrives.
    ///
    /// - Throws: (in the futures) ``TrackerError``.
    public func announce(
        to url: ServiceURL,
        _ request: AnnounceRequest,
        policy: AddressPolicy
    ) -> EventLoopFuture<[EventLoopFuture<TrackerAnswer>]> {
        endpoints(of: url, policy).map { endpoints in
            endpoints.map { endpoint in
                url.scheme == .udp
                    ? self.announceUDP(to: endpoint, url, request)
                    : self.announceHTTP(to: url, request, policy, isV4: endpoint.address.isV4)
            }
        }
    }

    /// The first address of each family, the best first.
    private func endpoints(of url: ServiceURL, _ policy: AddressPolicy) -> EventLoopFuture<[Endpoint]> {
        loop.flatSubmit {
            self.dialer.endpoints(of: url, policy: policy).flatMapErrorThrowing { throw Self.error($0) }
                .map { endpoints in
                    let other = endpoints.first { $0.address.isV4 != endpoints[0].address.isV4 }
                    return [endpoints[0]] + (other.map { [$0] } ?? [])
                }
        }
    }

    private func announceHTTP(
        to url: ServiceURL,
        _ request: AnnounceRequest,
        _ policy: AddressPolicy,
        isV4: Bool
    ) -> EventLoopFuture<TrackerAnswer> {
        get(HTTPTracker.announceURL(url, request), policy, isV4: isV4).flatMapThrowing { reply in
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

    private func announceUDP(
        to endpoint: Endpoint,
        _ url: ServiceURL,
        _ request: AnnounceRequest
    ) -> EventLoopFuture<TrackerAnswer> {
        let message = UDPTrackerMessage.Request.announce(request, url: url.target == "/" ? "" : url.target)
        return ask(endpoint, message).flatMapThrowing { answer in
            guard case .announce(var reply) = answer else { throw TrackerError.malformed }
            Self.judge(&reply.peers, endpoint.address)
            return TrackerAnswer(reply: reply, server: endpoint.address)
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
        return endpoints(of: url, policy).flatMap { endpoints in
            self.ask(endpoints[0], .scrape(hashes)).flatMapError { failure in
                endpoints.count > 1 ? self.ask(endpoints[1], .scrape(hashes)) : self.loop.makeFailedFuture(failure)
            }
        }.flatMapThrowing { answer in
            guard case .scrape(let counts) = answer else { throw TrackerError.malformed }
            return Dictionary(zip(hashes, counts), uniquingKeysWith: { first, _ in first })
        }
    }

    // MARK: Carrying

    private func get(
        _ url: ServiceURL,
        _ policy: AddressPolicy,
        isV4: Bool? = nil
    ) -> EventLoopFuture<HTTPReply> {
        dialer.get(
            url,
            policy: policy,
            isV4: isV4,
            maximumBytes: TrackerSpecification.maximumReplyBytes,
            timeout: Self.timeout
        ).flatMapErrorThrowing { throw Self.error($0) }
    }

    /// On the loop.
    private func ask(
        _ endpoint: Endpoint,
        _ request: UDPTrackerMessage.Request
    ) -> EventLoopFuture<UDPTrackerMessage.Reply> {
        let promise = loop.makePromise(of: UDPTrackerMessage.Reply.self)
        datagrams.value.request(request, at: endpoint) { promise.completeWith($0.mapError { $0 as any Error }) }
        return promise.futureResult
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
