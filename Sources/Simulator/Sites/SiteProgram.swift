// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Keys
internal import Wire

/// A host's knowledge of one site: its disk, its connections, its searches. Decides nothing.
///
/// What drivers over sockets do with the same machines stands in `Node/Sites`.
final class SiteProgram: StreamProgram {
    /// For a whole feed, however steadily it trickles.
    static let syncTime = Duration.seconds(120)

    let host: Host
    let owner: SiteOwner
    let wrong: SiteWrong
    let disk: SiteDisk
    let origin: ContinuousClock.Instant
    private let defect: FeedDefect?
    private var lie: SiteLie?
    private var random: RandomStream
    /// What is on the disk, as the node's memory has it.
    private(set) var feed: SiteFeed?
    var links: [SiteLink] = []
    var search: SiteSearch?
    var searchNumber = 0
    var adoptions = 0
    var lies = 0
    /// Heads that prove a theft together with what it followed, and are to be kept from now on. Whoever looks takes them.
    var proofs: [SignedHead] = []
    /// How often its user has removed the site.
    private(set) var removals = 0

    init(
        on host: Host,
        _ owner: SiteOwner,
        disk: SiteDisk,
        wrong: SiteWrong,
        defect: FeedDefect?,
        origin: ContinuousClock.Instant,
        random: inout RandomStream
    ) {
        self.host = host
        self.owner = owner
        self.disk = disk
        self.wrong = wrong
        self.defect = defect
        self.origin = origin
        self.random = host.world.stream("site program", Int(truncatingIfNeeded: random.next()))
        if wrong == .forges, let key = SigningKey(seed: random.bytes(32)) {
            lie = SiteLie(owner: owner, key: key, random: self.random)
        }
        guard let encoded = disk.written.feed else { return }
        feed = try? SiteFeed(encoded: encoded, site: owner.site)
        if feed == nil { host.world.violate(.storedProvesItself, "\(encoded.count) bytes", host: host) }
    }

    var now: ContinuousClock.Instant { origin + host.now }

    /// Something that happens unless the power fails before.
    func after(_ delay: Duration, _ body: @escaping (SiteProgram) -> Void) {
        let world = host.world
        world.plan(.disk, of: host, at: world.now + delay, content: 0) { [weak self] in if let self { body(self) } }
    }

    // MARK: - Events

    func receive(_ datagram: [UInt8], from source: Endpoint) {}
    func wake() {}

    func accepted(_ stream: StreamEnd) { attach(stream, isOutgoing: false) { _ in } }

    /// Connects, or uses the connection there is, and asks what the peer follows. `done` is called once.
    func dial(_ endpoint: Endpoint, _ done: @escaping (SiteSyncOutcome) -> Void) {
        if let link = links.first(where: { $0.isOutgoing && $0.stream.remote == endpoint }) {
            return synchronise(link, done)
        }
        host.world.connect(host, to: endpoint) { [weak self] stream in
            guard let self, let stream else { return done(.unreachable) }
            attach(stream, isOutgoing: true, done)
        }
    }

    private func attach(_ stream: StreamEnd, isOutgoing: Bool, _ done: @escaping (SiteSyncOutcome) -> Void) {
        var session = SiteExchangeSession(site: owner.site, feed: feed, now: now)
        session.siteKey = feed?.state.siteKey
        let link = SiteLink(stream, isOutgoing: isOutgoing, session, first: feed)
        links.append(link)
        stream.onReceive = { [weak self, weak link] bytes in
            guard let self, let link else { return }
            for payload in link.receive(bytes) where link.isOpen { received(payload, on: link) }
        }
        stream.onClose = { [weak self, weak link] in if let self, let link { close(link) } }
        // Who shows something old does not ask for anything newer.
        if wrong == .none || wrong == .forges || wrong == .slow {
            synchronise(link, done)
        } else {
            perform(link.session.tick(now: now), link)
        }
    }

    private func synchronise(_ link: SiteLink, _ done: @escaping (SiteSyncOutcome) -> Void) {
        if link.waiting.isEmpty {
            after(Self.syncTime) { [weak link] in
                if let link, link.isOpen, !link.waiting.isEmpty { $0.close(link) }
            }
        }
        link.waiting.append(done)
        perform(link.session.synchronise(now: now), link)
    }

    private func received(_ payload: [UInt8], on link: SiteLink) {
        if wrong == .silent { return }
        if wrong == .replays || wrong == .stole, case .news = try? SiteMessage.parse(payload) { return }
        perform(link.session.receive(payload, now: now), link)
    }

    /// Asks every open connection for a directory node.
    func readDirectory() {
        guard let release = feed?.state.newest?.release else { return }
        for link in links where link.isOpen {
            link.nextCommand += 1
            perform(link.session.ask(.node(release.directory), id: link.nextCommand, now: now), link)
        }
    }

    // MARK: - Actions

    private func perform(_ actions: [SiteExchangeAction], _ link: SiteLink) {
        for action in actions where link.isOpen { perform(action, link) }
    }

    private func perform(_ action: SiteExchangeAction, _ link: SiteLink) {
        switch action {
        case .send(let payload): link.write(lie?.altered(payload) ?? payload)
        case .read(let token, let hash):
            after(.milliseconds(1)) { [weak link] program in
                guard let link, link.isOpen else { return }
                // Readers have what their newest release names; it is the owner's bytes, which are in memory once.
                let bytes = program.feed == nil ? nil : program.owner.nodes[hash]
                program.perform(link.session.supply(token, node: bytes, now: program.now), link)
            }
        case .siteKey(let key):
            if key != owner.siteKey { host.world.violate(.neverReassigned, "another key", host: host) }
        case .peerHead(let head, _):
            link.conclusion.peerFollows(head)
            expectProof(head, link)
        case .adopted(let feed), .fork(let feed): keep(feed, link)
        case .synced(let failure): conclude(link, link.conclusion.synced(failure, newest: feed?.head.hash))
        case .directory: break
        case .deliver(_, let result): check(result)
        case .wake(let instant): setWake(link, at: instant)
        case .close(let reason):
            if reason == .lied { lies += 1 }
            close(link)
        }
    }

    private func setWake(_ link: SiteLink, at instant: ContinuousClock.Instant) {
        link.wakeNumber += 1
        link.hasWake = true
        let number = link.wakeNumber
        after(max(.zero, instant - now) + .milliseconds(1)) { [weak link] program in
            guard let link, link.isOpen, link.wakeNumber == number else { return }
            link.hasWake = false
            program.perform(link.session.tick(now: program.now), link)
        }
    }

    private func close(_ link: SiteLink) {
        guard link.isOpen else { return }
        link.isOpen = false
        links.removeAll { $0 === link }
        link.stream.close()
        for done in link.waiting { done(.unreachable) }
        link.waiting = []
    }

    private func conclude(_ link: SiteLink, _ outcome: SiteSyncOutcome?) {
        guard let outcome else { return }
        if case .failed(let failure) = outcome, failure.isLie { lies += 1 }
        let waiting = link.waiting
        link.waiting = []
        for done in waiting { done(outcome) }
    }

    private func check(_ result: SiteResult) {
        guard case .nodes(let nodes) = result else { return }
        for node in nodes where owner.nodes[node.hash] != node.bytes {
            host.world.violate(.shownIsVerified, "a directory node is not the owner's", host: host)
        }
    }

    // MARK: - The disk

    private var writeTime: Duration { .milliseconds(2 + random.below(40)) }

    /// Takes over what a peer brought: one transaction, some milliseconds later, and then everybody hears of it.
    private func keep(_ other: SiteFeed, _ link: SiteLink) {
        link.conclusion.keeps()
        after(writeTime) { [weak link] program in
            let isKept = program.take(other, except: link)
            guard let link else { return }
            if !isKept { link.session.notKept(driverHas: program.feed) }
            let newest = program.feed?.head.hash
            program.conclude(link, link.conclusion.kept(succeeded: isKept, newest: newest))
        }
    }

    private func take(_ other: SiteFeed, except link: SiteLink?) -> Bool {
        let highest = disk.written.highest.flatMap { SignedHead($0) }
        let verdict = FeedAcceptance(of: other, known: feed, highest: highest, defect: defect)
        var record = disk.written
        if verdict.contradictsHighest { record.add(other.head) }
        if let new = verdict.feed, new != feed { record.take(new, since: feed) }
        let known = feed?.head ?? highest
        guard disk.commit(record) else { return false }
        // Beside a whole history a head proves what is as long, beside the highest head alone only what is longer.
        if let known, owner.contradict(known, other.head), feed != nil || other.head.size >= known.size {
            proofs.append(other.head)
        }
        if verdict.hasChanged, let new = verdict.feed { changed(new, except: link) }
        return true
    }

    private func changed(_ feed: SiteFeed, except link: SiteLink? = nil) {
        adoptions += 1
        self.feed = feed
        for other in links where other !== link && other.isOpen {
            perform(other.session.feedChanged(feed, now: now), other)
        }
    }

    /// The owner, or a thief, makes a new state of what is on the disk; nobody hears of it before it is there. `done` is
    /// called when it is, or where there is nothing to make; not where the disk or the power fails.
    func publish(_ make: @escaping (SiteFeed?) -> SiteFeed?, done: @escaping () -> Void = {}) {
        after(writeTime) { program in
            guard let feed = make(program.feed) else { return done() }
            var record = program.disk.written
            record.take(feed, since: program.feed)
            guard program.disk.commit(record) else { return }
            program.changed(feed)
            done()
        }
    }

    /// The user removes the site. The highest head and the evidence stay.
    func remove() {
        var record = disk.written
        record.feed = nil
        guard disk.commit(record) else { return }
        removals += 1
        feed = nil
        for link in links { close(link) }
    }

    func powerLost() { for link in links { link.stream.powerLost() } }
}
