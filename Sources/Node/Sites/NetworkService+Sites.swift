// SPDX-License-Identifier: Apache-2.0
internal import Kademlia
internal import Keys
internal import Transport
internal import Wire

extension NetworkService: SiteNetwork {
    func entered(within time: Duration) async {
        if entrances.exist { await settle(within: time) }
    }

    func readItem(key: PublicKey, salt: [UInt8]) async -> MutableItem? {
        try? await mutableItem(key: key, salt: salt)?.item
    }

    func putOnce(_ item: MutableItem) async -> SitePutReport {
        guard let report = try? await dht.publish(.mutable(item), keep: .once) else { return SitePutReport(stored: 0) }
        saveSoon()
        return SitePutReport(stored: report.stored, newer: report.newer)
    }

    func announceHolding(_ hash: Digest160, isSeed: Bool) async -> Bool {
        ((try? await announce(hash, isSeed: isSeed)) ?? 0) > 0
    }

    func endAnnouncing(_ hash: Digest160) async { withdraw(hash) }

    func growthEvents() -> AsyncStream<Void> { growth.stream() }
}
