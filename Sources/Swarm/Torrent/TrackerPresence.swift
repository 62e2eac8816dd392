// SPDX-License-Identifier: Apache-2.0
public import BitTorrent
internal import NIOCore
internal import Transport
internal import Wire

/// Says at trackers that we have all of a torrent, for as long as it lives, without the torrent being open: its session is
/// built when somebody comes. Thread-safe.
public final class TrackerPresence: Sendable {
    private let announcer: NIOLoopBoundBox<TrackerAnnouncer?>
    private let loop: any EventLoop

    init(_ hashes: [Digest160], _ tiers: [[TrackerAddress]], peerID: Digest160, port: UInt16, services: SwarmServices) {
        loop = services.loop
        announcer = NIOLoopBoundBox.makeBoxSendingValue(nil, eventLoop: loop)
        let client = services.trackers
        let key = UInt32.random(in: 0 ... .max)
        loop.execute {
            let announcer = TrackerAnnouncer(tiers: tiers, hashes: hashes, isPrivate: false, client: client) {
                hash,
                event in
                var request = AnnounceRequest(hash: hash, peerID: peerID, port: port, key: key)
                (request.event, request.left, request.wantedPeers) = (event, 0, 0)
                return request
            } onAnswer: { _ in
            }
            self.announcer.value = announcer
            announcer.start(isComplete: true)
        }
    }

    /// What is known of the trackers.
    public func status() async -> [TrackerStatus] {
        (try? await loop.submit { self.announcer.value?.status ?? [] }.get()) ?? []
    }

    /// Says goodbye, which may take three seconds.
    public func stop() async {
        await withCheckedContinuation { continuation in
            loop.execute {
                guard let announcer = self.announcer.value else { return continuation.resume() }
                self.announcer.value = nil
                announcer.stop { continuation.resume() }
            }
        }
    }
}
