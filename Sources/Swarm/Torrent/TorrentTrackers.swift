// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import NIOCore
internal import Transport
internal import Wire

/// The trackers of one torrent that is running. Confined to the torrent's event loop.
final class TorrentTrackers {
    /// With fewer peers than this a download asks its trackers as early as they allow.
    private static let fewPeers = 8
    private static let checkInterval = TimeAmount.seconds(30)

    private let announcer: TrackerAnnouncer
    private weak var driver: TorrentDriver?
    private var check: Scheduled<Void>?

    init(
        tiers: [[TrackerAddress]],
        driver: TorrentDriver,
        client: TrackerClient,
        onPeers: @escaping ([Endpoint]) -> Void
    ) {
        let key = UInt32.random(in: 0 ... .max)
        let announcer = TrackerAnnouncer(
            tiers: tiers,
            hashes: driver.inspect { $0.infoHashes.short },
            isPrivate: driver.inspect { $0.content?.isPrivate ?? false },
            client: client
        ) { [weak driver] hash, event in
            var request = driver?.inspect { $0.announce(of: hash, key: key) }
            request?.event = event
            if event == .stopped { request?.wantedPeers = 0 }
            return request
        } onAnswer: { answer in
            onPeers(answer.reply.peers)
        }
        self.announcer = announcer
        announcer.start(isComplete: driver.inspect { $0.isComplete })
        self.driver = driver
        lookAround()
    }

    /// Whether there are enough peers, now and then.
    private func lookAround() {
        guard let driver else { return }
        let (status, isPartial) = driver.inspect { ($0.status, $0.isPartialSeed) }
        announcer.setPartialSeed(isPartial)
        announcer.setShortOfPeers(status.missingPieces > 0 && status.peers < Self.fewPeers)
        check = driver.loop.assumeIsolated().scheduleTask(in: Self.checkInterval) { [weak self] in self?.lookAround() }
    }

    var status: [TrackerStatus] { announcer.status }

    func completed() { announcer.completed() }

    func stop(completion: @escaping () -> Void) {
        check?.cancel()
        announcer.stop(completion: completion)
    }
}
