// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Kademlia
internal import Wire

/// A whole node but for its content: the DHT's machine on datagrams and the site exchange's on streams, with what
/// `Node/Sites` does between them. Decides nothing.
final class NodeProgram: StreamProgram {
    let dht: DHTProgram
    let site: SiteProgram
    private let owner: SiteOwner
    private let isOwner: Bool
    private var announces = false
    /// The head that the last pointer which was put here named.
    private var pointed: Digest256?
    /// The newest pointer that it has been given, or has put.
    private(set) var pointer: MutableItem?
    private var isLooking = false

    init(_ dht: DHTProgram, _ site: SiteProgram, owner: SiteOwner, isOwner: Bool) {
        self.dht = dht
        self.site = site
        self.owner = owner
        self.isOwner = isOwner
    }

    var head: Digest256? { site.feed?.head.hash }

    // MARK: - Events

    func receive(_ datagram: [UInt8], from source: Endpoint) { dht.receive(datagram, from: source) }
    func wake() { dht.wake() }
    func touched() {
        dht.touched()
        site.touched()
    }
    func accepted(_ stream: StreamEnd) { site.accepted(stream) }

    /// Says in the DHT what is to be said of what it holds: where it is, and what is newest.
    func tell() {
        guard let feed = site.feed else { return }
        if !announces {
            announces = true
            dht.start(.publish(.peer(infoHash: SiteLocations.holders(of: owner.site), port: nil), keep: .own))
        }
        guard pointed != feed.head.hash else { return }
        if isOwner {
            guard let item = owner.pointer(feed, after: pointer) else { return }
            put(item, keep: .own)
        } else if let pointer, Self.head(of: pointer) == feed.head.hash {
            put(pointer, keep: .borrowed)
        }
    }

    private func put(_ item: MutableItem, keep: KeepPolicy) {
        pointer = item
        pointed = Self.head(of: item)
        dht.start(.publish(.mutable(item), keep: keep))
    }

    private static func head(of item: MutableItem) -> Digest256? { (try? SitePointer(value: item.value))?.head }

    /// Opens the site, as its reader does: asks the DHT who holds it and what is newest, and then those who hold it.
    /// `read` is called with the item that the DHT gave.
    func open(read: @escaping (MutableItem?) -> Void) {
        guard !isLooking else { return }
        isLooking = true
        var peers: [Endpoint] = []
        dht.start(.getPeers(SiteLocations.holders(of: owner.site))) { progress in
            if case .peers(let found) = progress { peers += found }
        } finish: { [weak self] _ in
            self?.readPointer { [weak self] item in
                guard let self else { return }
                isLooking = false
                read(item)
                site.look(among: peers, promised: item.flatMap { Self.head(of: $0) })
            }
        }
    }

    private func readPointer(_ done: @escaping (MutableItem?) -> Void) {
        dht.start(.getMutable(key: owner.siteKey, salt: [])) { _ in
        } finish: { [weak self] outcome in
            guard let self, case .mutable(let report, _) = outcome else { return done(nil) }
            if let item = report.item, item.sequence >= pointer?.sequence ?? 0 { pointer = item }
            done(report.item)
        }
    }
}
