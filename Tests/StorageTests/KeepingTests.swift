// SPDX-License-Identifier: Apache-2.0
import Keys
import TestSupport
import Testing
import Wire

@testable import Storage

@Suite("Eviction")
struct EvictionTests {
    private func holding(_ name: UInt8, _ bytes: Int64, _ wantedAt: Int64, protected: Bool = false) -> Eviction.Holding
    {
        Eviction.Holding(key: key(name), bytes: bytes, wantedAt: wantedAt, isProtected: protected)
    }

    private func key(_ name: UInt8) -> ContentKey { .file(root: Hash.sha256([name])) }

    @Test("removes nothing within the quota")
    func within() {
        let eviction = Eviction(of: [holding(1, 50, 1), holding(2, 50, 2)], quota: 100)
        #expect(eviction.victims.isEmpty)
        #expect(eviction.bytesBefore == 100)
    }

    @Test("removes what was unwanted longest, until a sixteenth is free")
    func order() {
        let holdings = [holding(1, 60, 30), holding(2, 50, 10), holding(3, 60, 20), holding(4, 30, 40)]
        let eviction = Eviction(of: holdings, quota: 160)
        #expect(eviction.victims == [key(2)])
        #expect(eviction.bytesAfter == 150)
        #expect(Eviction(of: holdings, quota: 100).victims == [key(2), key(3)])
    }

    @Test("what is protected neither goes nor counts")
    func protection() {
        let holdings = [holding(1, 1000, 1, protected: true), holding(2, 10, 2)]
        #expect(Eviction(of: holdings, quota: 10).victims.isEmpty)
        #expect(Eviction(of: holdings, quota: 0).victims == [key(2)])
        #expect(Eviction(of: holdings, quota: -5).victims == [key(2)])
    }

    @Test("orphans go whatever the quota")
    func orphans() {
        #expect(Eviction(of: [holding(1, 5, 0), holding(2, 5, 3)], quota: 1000).victims == [key(1)])
    }

    @Test("among equals the larger goes first, and the order does not depend on the input's")
    func ties() {
        let holdings = [holding(1, 10, 5), holding(2, 20, 5), holding(3, 10, 5)]
        let victims = Eviction(of: holdings, quota: 0).victims
        #expect(victims.first == key(2))
        #expect(Eviction(of: holdings.reversed(), quota: 0).victims == victims)
    }

    @Test("random holdings: never over quota after, never a protected victim, never more than needed by one file")
    func property() {
        var random = SplitMix64(seed: 4)
        for _ in 0..<200 {
            let holdings = (0..<UInt8(30)).map {
                holding(
                    $0,
                    Int64.random(in: 0...100, using: &random),
                    Int64.random(in: 1...20, using: &random),
                    protected: Bool.random(using: &random)
                )
            }
            let quota = Int64.random(in: 0...1500, using: &random)
            let eviction = Eviction(of: holdings, quota: quota)
            let victims = Set(eviction.victims)
            #expect(!holdings.contains { $0.isProtected && victims.contains($0.key) })
            let left = holdings.filter { !$0.isProtected && !victims.contains($0.key) }.reduce(0) { $0 + $1.bytes }
            #expect(left == eviction.bytesAfter)
            #expect(left <= quota)
        }
    }
}

@Suite("Keeper")
struct KeeperTests {
    private let folder: TemporaryFolder
    private let content: ContentStore
    private let metadata: MetadataStore
    private let keeper: Keeper
    private let now: Int64 = 4_000_000_000

    init() throws {
        folder = try TemporaryFolder()
        try folder.home.prepare()
        content = try ContentStore(home: folder.home)
        metadata = try MetadataStore(path: folder.home.database)
        keeper = Keeper(content: content, metadata: metadata)
    }

    private func root(_ number: Int) -> Digest256 { Hash.sha256([UInt8(number)]) }
    private func site(_ number: Int) -> Digest256 { Hash.sha256([UInt8(number), 1]) }

    private func store(_ numbers: Range<Int>) throws {
        for number in numbers {
            try content.write([UInt8](repeating: 1, count: 100), to: .file(root: root(number)), length: 100, at: 0)
        }
        try content.checkpoint()
    }

    private func want(_ number: Int, site: Int, at time: Int64) {
        keeper.wanted(WantRecord(root: root(number), site: self.site(site), length: 100, wantedAt: time))
    }

    @Test("own and pinned sites are never evicted, others go by how long ago they were wanted")
    func sites() throws {
        try store(0..<6)
        let files = [0, 1].map {
            ReleaseManifest.File(path: ["\($0)"], length: 100, root: root($0), isExecutable: false)
        }
        try metadata.write { metadata in
            try metadata.save(SiteRecord(id: site(1), isOwn: true, addedAt: 1))
            try metadata.save(SiteRecord(id: site(2), isPinned: true, addedAt: 1))
            try metadata.save(SiteRecord(id: site(3), addedAt: 1))
            try metadata.save(
                ReleaseRecord(
                    site: site(1),
                    seq: 1,
                    v1: nil,
                    v2: root(9),
                    directory: root(8),
                    pieceLength: 16_384,
                    storedAt: 1
                ),
                manifest: ReleaseManifest(files: files)
            )
        }
        want(2, site: 2, at: 1)
        for number in 3..<6 { want(number, site: 3, at: Int64(number)) }
        let eviction = try keeper.enforce(quota: 150, now: now)
        #expect(eviction.victims == [.file(root: root(3)), .file(root: root(4))])
        #expect((0..<6).filter { content.contains(.file(root: root($0))) } == [0, 1, 2, 5])
        #expect(try metadata.read { try $0.wants() }.count == 2)
    }

    @Test("a file wanted again stays longer")
    func wantedAgain() throws {
        try store(0..<2)
        want(0, site: 1, at: 10)
        want(1, site: 1, at: 20)
        try keeper.flush()
        want(0, site: 1, at: 30)
        try keeper.enforce(quota: 150, now: now)
        #expect(content.contains(.file(root: root(0))))
        #expect(!content.contains(.file(root: root(1))))
    }

    @Test("what is in use or leased stays, orphans go after an hour")
    func inUse() throws {
        try store(0..<3)
        let lease = content.lease([root(1)])
        try keeper.enforce(quota: 0, inUse: [root(0)], now: now)
        #expect((0..<3).filter { content.contains(.file(root: root($0))) } == [0, 1])
        lease.end()
        try keeper.enforce(quota: 1000, now: 0)
        #expect(content.contains(.file(root: root(0))))
        try keeper.enforce(quota: 1000, now: now)
        #expect(!content.contains(.file(root: root(0))))
        #expect(!content.contains(.file(root: root(1))))
    }
}

@Suite("Admission")
struct AdmissionTests {
    private let site = Hash.sha256([1])
    private let other = Hash.sha256([2])

    @Test("every action on what a rule names is refused, with the rule", arguments: Admission.Action.allCases)
    func actions(action: Admission.Action) {
        let rule = AdmissionRule(subject: .site(site), reason: "spam")
        let admission = Admission(rules: [rule], allowsUnsolicited: true)
        #expect(admission.verdict(on: action, of: Admission.Subject(site: site)) == .denied(rule))
        #expect(admission.verdict(on: action, of: Admission.Subject(site: other)) == .admitted)
    }

    @Test("pushes that nobody asked for are refused unless allowed")
    func unsolicited() {
        let subject = Admission.Subject(site: site)
        #expect(Admission().verdict(on: .storeUnsolicited, of: subject) == .unsolicited)
        #expect(Admission().verdict(on: .store, of: subject) == .admitted)
        #expect(Admission(allowsUnsolicited: true).verdict(on: .storeUnsolicited, of: subject) == .admitted)
    }

    @Test("rules are found by site, infohash, file and label, and hashes by the 20 bytes of a handshake")
    func subjects() {
        let v1 = Hash.sha1([3])
        let rules: [AdmissionRule] = [
            AdmissionRule(subject: .site(site)), AdmissionRule(subject: .v1(v1)), AdmissionRule(subject: .v2(other)),
            AdmissionRule(subject: .file(Hash.sha256([4]))), AdmissionRule(subject: .label("bad")),
        ]
        let admission = Admission(rules: rules)
        #expect(admission.denial(of: Admission.Subject(v1: v1)) == rules[1])
        #expect(admission.denial(of: Admission.Subject(v2: other)) == rules[2])
        #expect(admission.denial(of: Admission.Subject(file: Hash.sha256([4]))) == rules[3])
        #expect(admission.denial(of: Admission.Subject(label: "bad")) == rules[4])
        #expect(admission.denial(of: Admission.Subject(short: site.truncated)) == rules[0])
        #expect(admission.denial(of: Admission.Subject(short: other.truncated)) == rules[2])
        #expect(admission.denial(of: Admission.Subject(short: v1)) == rules[1])
        for rule in rules { admission.remove(rule) }
        #expect(admission.rules.isEmpty)
        #expect(admission.denial(of: Admission.Subject(site: site, short: site.truncated)) == nil)
    }

    @Test("the user's own rule is named before a list's, and a list is replaced whole")
    func lists() {
        let theirs = AdmissionRule(list: "abuse", subject: .site(site), reason: "theirs")
        let mine = AdmissionRule(subject: .site(site), reason: "mine")
        let admission = Admission(rules: [theirs, mine])
        #expect(admission.denial(of: Admission.Subject(site: site)) == mine)
        admission.remove(mine)
        #expect(admission.denial(of: Admission.Subject(site: site)) == theirs)
        admission.replace(list: "abuse", with: [])
        #expect(admission.denial(of: Admission.Subject(site: site)) == nil)
    }

    @Test("a list's lines are rules, comments, or named by number")
    func text() {
        let text = "# header\n\nsite \(site.hex)  a reason \r\nfile \(other.hex)\nsite 12\nbogus x\nlabel beta\n"
        let list = DenyList(name: "abuse", text: Array(text.utf8))
        #expect(
            list.rules == [
                AdmissionRule(list: "abuse", subject: .site(site), reason: "a reason "),
                AdmissionRule(list: "abuse", subject: .file(other)),
                AdmissionRule(list: "abuse", subject: .label("beta")),
            ]
        )
        #expect(list.invalidLines == [5, 6])
    }

    @Test("noise is no list and no trap")
    func hostile() {
        let text = Array("site \(site.hex) r\nv1 \(Hash.sha1([1]).hex)\n# c\nlabel x\n".utf8)
        for damaged in HostileInput.mutations(of: text, count: 1000, seed: 8) { _ = DenyList(name: "x", text: damaged) }
    }

    @Test("rules outlive the node, lists are read from the home")
    func stored() throws {
        let folder = try TemporaryFolder()
        try folder.home.prepare()
        let metadata = try MetadataStore(path: folder.home.database)
        let rule = AdmissionRule(subject: .label("x"), reason: "r")
        try metadata.write { try $0.save(rule, addedAt: 1) }
        #expect(try metadata.read { try $0.denyRules() } == [rule])
        try metadata.write { try $0.removeDenyRule(rule) }
        #expect(try metadata.read { try $0.denyRules() }.isEmpty)
        try folder.write(Array("site \(site.hex)\n".utf8), to: "home/deny/abuse.deny")
        #expect(try folder.home.readDenyLists().map(\.name) == ["abuse"])
    }
}
