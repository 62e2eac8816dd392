// SPDX-License-Identifier: Apache-2.0
public import BitTorrent
public import NIOCore
public import Wire

/// A tracker's URL and where it may lead.
public struct TrackerAddress: Hashable, Sendable {
    /// The tracker's.
    public var url: ServiceURL
    /// Where it may lead, by who named the tracker.
    public var policy: AddressPolicy

    /// Nothing is resolved or judged here.
    public init(url: ServiceURL, policy: AddressPolicy) {
        self.url = url
        self.policy = policy
    }
}

/// Tells the trackers of one torrent of it: carries out what a ``TrackerList`` decides. Confined to one event loop.
public final class TrackerAnnouncer {
    /// How long a goodbye may take.
    public static let farewell = TimeAmount.seconds(3)

    private let client: TrackerClient
    private let policies: [ServiceURL: AddressPolicy]
    private let makeRequest: (Digest160, AnnounceEvent) -> AnnounceRequest?
    private let onAnswer: (TrackerAnswer) -> Void
    private var list: TrackerList
    private var timer: Scheduled<Void>?
    private var onStopped: (() -> Void)?

    /// `makeRequest`: fills in what the torrent knows of itself; nil once it is gone.
    /// `onAnswer`: called for each answer.
    public init(
        tiers: [[TrackerAddress]],
        hashes: [Digest160],
        isPrivate: Bool,
        client: TrackerClient,
        makeRequest: @escaping (Digest160, AnnounceEvent) -> AnnounceRequest?,
        onAnswer: @escaping (TrackerAnswer) -> Void
    ) {
        self.client = client
        self.makeRequest = makeRequest
        self.onAnswer = onAnswer
        policies = Dictionary(tiers.joined().map { ($0.url, $0.policy) }, uniquingKeysWith: { first, _ in first })
        list = TrackerList(
            tiers: tiers.map { $0.map(\.url) },
            hashes: hashes,
            isPrivate: isPrivate,
            seed: .random(in: 0 ... .max),
            now: Self.now
        )
    }

    private static var now: Duration { .nanoseconds(Int64(clamping: NIODeadline.now().uptimeNanoseconds)) }

    /// How each tracker fares, in the order given.
    public var status: [TrackerStatus] { list.status }

    /// `isComplete`: there was nothing to download.
    public func start(isComplete: Bool) {
        if isComplete { list.wasComplete() }
        perform(list.wake(now: Self.now))
    }

    /// The download is complete.
    public func completed() { perform(list.completed(now: Self.now)) }
    /// Whether connections are wanting: trackers are then asked as often as they allow.
    public func setShortOfPeers(_ isShort: Bool) { perform(list.setShortOfPeers(isShort, now: Self.now)) }
    /// Whether all that is wanted is here, though not everything (BEP 21): told with the next announce.
    public func setPartialSeed(_ isPartial: Bool) { list.isPartialSeed = isPartial }

    /// Says goodbye; `completion` is called when all have been told, after ``farewell`` at the latest.
    public func stop(completion: @escaping () -> Void) {
        timer?.cancel()
        onStopped = completion
        timer = client.loop.assumeIsolated().scheduleTask(in: Self.farewell) { self.stopped() }
        perform(list.stop(now: Self.now))
    }

    private func stopped() {
        timer?.cancel()
        timer = nil
        let completion = onStopped
        onStopped = nil
        completion?()
    }

    private func perform(_ actions: [TrackerList.Action]) {
        for action in actions {
            switch action {
            case .announce(let id, let url, let hash, let event, let trackerID):
                announce(id, url, hash, event, trackerID)
            case .wake(let time): schedule(time)
            case .stopped: stopped()
            }
        }
    }

    private func announce(
        _ id: TrackerRequestID,
        _ url: ServiceURL,
        _ hash: Digest160,
        _ event: AnnounceEvent,
        _ trackerID: [UInt8]?
    ) {
        guard var request = makeRequest(hash, event), let policy = policies[url] else {
            // The answer must not come before the actions at hand are done.
            client.loop.assumeIsolated().execute { self.perform(self.list.failed(id, .unreachable, now: Self.now)) }
            return
        }
        request.trackerID = trackerID
        client.announce(to: url, request, policy: policy).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let answers): self.follow(answers, of: id, event)
            case .failure(let error): self.failed(id, error)
            }
        }
    }

    /// One announce in several families: the first answer counts for the tracker, all bring peers. A goodbye is to be heard in
    /// every family.
    private func follow(_ answers: [EventLoopFuture<TrackerAnswer>], of id: TrackerRequestID, _ event: AnnounceEvent) {
        var open = answers.count
        var first: TrackerAnswer?
        for answer in answers {
            answer.assumeIsolated().whenComplete { result in
                open -= 1
                let isNews = first == nil
                if case .success(let answer) = result {
                    first = first ?? answer
                    if event != .stopped { self.onAnswer(answer) }
                }
                if let first, event == .stopped ? open == 0 : isNews {
                    self.perform(self.list.replied(id, first.reply, now: Self.now))
                } else if first == nil, open == 0, case .failure(let error) = result {
                    self.failed(id, error)
                }
            }
        }
    }

    private func failed(_ id: TrackerRequestID, _ error: any Error) {
        perform(list.failed(id, error as? TrackerError ?? .unreachable, now: Self.now))
    }

    private func schedule(_ time: Duration) {
        guard onStopped == nil else { return }
        timer?.cancel()
        let wait = max(.zero, time - Self.now).components
        let delay = TimeAmount.nanoseconds(
            min(wait.seconds, 1 << 31) * 1_000_000_000 + wait.attoseconds / 1_000_000_000
        )
        timer = client.loop.assumeIsolated().scheduleTask(in: delay) { [weak self] in
            guard let self else { return }
            self.perform(self.list.wake(now: Self.now))
        }
    }
}
