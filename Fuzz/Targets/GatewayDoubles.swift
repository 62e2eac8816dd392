// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Node
internal import Synchronization
internal import Wire

/// A reader of two sites with the same files, that remembers for which site it was asked to do something.
final class SeenReader: ReleaseReading {
    struct Deeds {
        /// Of which releases, entries or bytes were asked for.
        var read: Set<Digest256> = []
        /// For which peers might have been asked.
        var network: Set<Digest256> = []
        var welcomed: Set<Digest256> = []

        var sites: Set<Digest256> { read.union(network).union(welcomed) }
    }

    private struct State {
        var known: Set<Digest256>
        var deeds = Deeds()
    }

    private let state: Mutex<State>

    init(known: Set<Digest256>) { state = Mutex(State(known: known)) }

    var known: Set<Digest256> { state.withLock { $0.known } }

    /// What was done since the last call.
    func deeds() -> Deeds {
        state.withLock { state in
            defer { state.deeds = Deeds() }
            return state.deeds
        }
    }

    func isKnown(site: Digest256) async -> Bool { known.contains(site) }

    func welcome(site: Digest256) async throws(NodeError) {
        state.withLock {
            $0.known.insert(site)
            $0.deeds.welcomed.insert(site)
        }
    }

    private func note(_ site: String, _ mayUseNetwork: Bool) {
        guard let site = Digest256(hex: site) else { return }
        state.withLock {
            $0.deeds.read.insert(site)
            if mayUseNetwork { $0.deeds.network.insert(site) }
        }
    }

    private static let folders = ["", "folder", "a b"]
    private static let files = ["index.html": 40, "style.css": 200, "folder/ü": 12, "a b/c": 0, "404.html": 9]

    func release(
        of site: Digest256,
        _ selector: ReleaseSelector,
        mayUseNetwork: Bool
    ) async throws(NodeError) -> ReleaseReference {
        note(site.hex, mayUseNetwork)
        switch selector {
        case .sequence(let sequence) where sequence > 2: throw Self.absent
        case .label(let label) where label != "1.0": throw Self.absent
        // What a publisher may call a release.
        default: return ReleaseReference(site: site.hex, sequence: 2, label: "1.0\r\nX: \u{e9}%")
        }
    }

    func entry(
        at path: [String],
        in release: ReleaseReference,
        mayUseNetwork: Bool
    ) async throws(NodeError) -> ReleaseEntry? {
        note(release.site, mayUseNetwork)
        let name = path.joined(separator: "/")
        if let length = Self.files[name] {
            return .file(ReleaseFile(path: path, length: Int64(length), contentHash: Hash.sha256([1]).hex))
        }
        return Self.folders.contains(name) ? .folder(["<b>\r\n", "folder/", "ü"]) : nil
    }

    func read(
        _ file: ReleaseFile,
        in release: ReleaseReference,
        from offset: Int64,
        count: Int,
        mayUseNetwork: Bool
    ) async throws(NodeError) -> [UInt8] {
        note(release.site, mayUseNetwork)
        return [UInt8](repeating: 0x41, count: min(count, 16))
    }

    func activity(of site: Digest256) async -> SiteActivity {
        SiteActivity(stage: "<asking>", peersKnown: 1, peersConnected: 1, bytesReceived: 1)
    }

    private static let absent = NodeError(.notFound, "there is no such release", remedy: "Take another.")
}

/// A node that refuses everything, and remembers what it was asked.
final class SeenNode: NodeControl {
    private let state = Mutex<[String]>([])

    /// What it was asked since the last call.
    func calls() -> [String] {
        state.withLock { state in
            defer { state = [] }
            return state
        }
    }

    private func note(_ call: String) -> NodeError {
        state.withLock { $0.append(call) }
        return NodeError(.unavailable, "not now", remedy: "Ask again.")
    }

    func status() async -> NodeStatus {
        _ = note("status")
        return NodeStatus(
            peerID: "",
            version: "",
            pid: 1,
            listen: [],
            gateway: "",
            control: "",
            uptime: 1,
            networks: [],
            sites: 0,
            torrents: [],
            memory: 0,
            serve: "",
            exposed: ""
        )
    }

    func stop() async { _ = note("stop") }
    func doctor(repair: Bool, report: @escaping Report) async throws(NodeError) -> DoctorReport {
        throw note("doctor \(repair)")
    }
    func publish(_ request: PublishRequest, report: @escaping Report) async throws(NodeError) -> PublishResult {
        report(NodeProgress(stage: "copying", done: 1, total: 2))
        throw note("publish \(request)")
    }
    func fetch(_ request: FetchRequest, report: @escaping Report) async throws(NodeError) -> FetchResult {
        throw note("fetch \(request)")
    }
    func learn(torrent file: [UInt8]) async throws(NodeError) -> String { throw note("learn \(file.count)") }
    func open(_ link: String) async throws(NodeError) -> OpenResult { throw note("open \(link)") }
    func why(_ link: String, report: @escaping Report) async throws(NodeError) -> WhyReport {
        throw note("why \(link)")
    }
    func sites() async throws(NodeError) -> [SiteSummary] { throw note("sites") }
    func site(_ address: String) async throws(NodeError) -> SiteSummary { throw note("site \(address)") }
    func siteWithHolders(_ address: String) async throws(NodeError) -> SiteSummary { throw note("holders \(address)") }
    func releases(of address: String) async throws(NodeError) -> [ReleaseSummary] { throw note("releases \(address)") }
    func change(_ address: String, _ change: SiteChange) async throws(NodeError) -> SiteSummary {
        throw note("change \(address) \(change)")
    }
    func identities() async throws(NodeError) -> [IdentitySummary] { throw note("identities") }
    func newIdentity(name: String) async throws(NodeError) -> NewIdentity { throw note("identity \(name)") }
    func denyRules() async throws(NodeError) -> [DenyRule] { throw note("rules") }
    func deny(_ rule: DenyRule) async throws(NodeError) { throw note("deny \(rule)") }
    func allow(_ rule: DenyRule) async throws(NodeError) { throw note("allow \(rule)") }
    func denial(of address: String) async throws(NodeError) -> DenyRule? { throw note("denial \(address)") }

    func peers() async -> [PeerSummary] {
        _ = note("peers")
        return []
    }

    func members() async -> [NetworkMember] {
        _ = note("members")
        return []
    }

    func dhtTable() async -> [DHTTable] {
        _ = note("table")
        return []
    }

    func dhtFind(_ target: String) async throws(NodeError) -> DHTFindResult { throw note("find \(target)") }
    func dhtGet(_ query: DHTItemQuery) async throws(NodeError) -> DHTItemResult { throw note("get \(query)") }
    func dhtPut(_ request: DHTPutRequest) async throws(NodeError) -> DHTPutResult { throw note("put \(request)") }

    func configuration() async -> [ConfigurationEntry] {
        _ = note("configuration")
        return []
    }

    func setConfiguration(_ key: String, to value: String) async throws(NodeError) { throw note("\(key)=\(value)") }
}
