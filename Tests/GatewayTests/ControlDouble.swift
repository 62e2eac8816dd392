// SPDX-License-Identifier: Apache-2.0
import Node
import Synchronization

/// A node that answers every call with something recognisable, and remembers what changed.
final class ControlDouble: NodeControl {
    struct State {
        var calls: [String] = []
        var cancelled = 0
        /// Publishing and opening hang after their first progress.
        var hangs = false
        var sites: [SiteSummary] = []
        var serve = "default"
    }

    let state = Mutex(State())

    var calls: [String] { state.withLock { $0.calls } }
    var cancelled: Int { state.withLock { $0.cancelled } }

    private func note(_ call: String) { state.withLock { $0.calls.append(call) } }

    private func hang() async throws(NodeError) {
        guard state.withLock({ $0.hangs }) else { return }
        do {
            try await Task.sleep(for: .seconds(3600))
        } catch {
            state.withLock { $0.cancelled += 1 }
            throw NodeError(.unavailable, "cancelled", remedy: "Ask again.")
        }
    }

    func status() async -> NodeStatus {
        NodeStatus(
            peerID: "12D3",
            version: "0.1.0",
            pid: 1,
            listen: ["0.0.0.0:40123"],
            gateway: "127.0.0.1:8420",
            control: "127.0.0.1:8421",
            uptime: 7260,
            networks: [.init(name: "mainline", dhtNodes: 148, reachable: true)],
            sites: 3,
            torrents: [
                .init(
                    name: "site",
                    v1: nil,
                    v2: nil,
                    progress: 1,
                    state: "seeding",
                    peers: 2,
                    down: 4_812_000,
                    up: 91_300_000
                )
            ],
            memory: 41_000_000,
            serve: "while-open",
            exposed: "Visible to anyone in 3 swarms: your address."
        )
    }

    func stop() async { note("stop") }

    func doctor(repair: Bool, report: @escaping Report) async throws(NodeError) -> DoctorReport {
        note("doctor \(repair)")
        report(NodeProgress(stage: "checking", done: 1, total: 2, unit: "files"))
        return DoctorReport(
            healthy: false,
            findings: [
                .init(state: "ok", what: "The content store is complete."),
                .init(state: "problem", what: "No router lets peers in.", remedy: "Forward port 40123."),
            ]
        )
    }

    func publish(_ request: PublishRequest, report: @escaping Report) async throws(NodeError) -> PublishResult {
        note("publish \(request.directory)")
        report(NodeProgress(stage: "hashing", done: 10, total: 100))
        try await hang()
        guard request.directory.hasPrefix("/") else {
            throw NodeError(.noInput, "'\(request.directory)' is no folder", remedy: "Name one that exists.")
        }
        return PublishResult(
            site: "betanet://00",
            key: "01",
            magnet: "magnet:",
            v1: "02",
            v2: "03",
            seq: 1,
            label: "",
            files: 2,
            bytes: 100,
            skipped: [],
            gateway: "http://x.localhost:8420/",
            added: 100,
            seconds: 0.1
        )
    }

    func fetch(_ request: FetchRequest, report: @escaping Report) async throws(NodeError) -> FetchResult {
        note("fetch \(request.link)")
        throw NodeError(.unavailable, "nobody holds it", remedy: "Wait.")
    }

    func learn(torrent file: [UInt8]) async throws(NodeError) -> String {
        note("learn \(file.count)")
        guard file.starts(with: Array("d".utf8)) else {
            throw NodeError(.badData, "no torrent", remedy: "Get it again.")
        }
        return "magnet:?xt=urn:btih:00"
    }

    func open(_ link: String) async throws(NodeError) -> OpenResult {
        note("open \(link)")
        try await hang()
        return OpenResult(url: "http://x.localhost:8420/", site: "betanet://00", exposed: "")
    }

    func why(_ link: String, report: @escaping Report) async throws(NodeError) -> WhyReport {
        let stage = WhyReport.Stage(stage: "name", ok: true, seconds: 0.5, detail: link)
        report(NodeProgress(stage: "name", done: 0, total: 6, unit: "stages"))
        report(NodeProgress(stage: "name", done: 1, total: 6, unit: "stages", passed: stage))
        return WhyReport(url: link, ok: true, stages: [stage])
    }
    func sites() async throws(NodeError) -> [SiteSummary] { state.withLock { $0.sites } }

    func siteWithHolders(_ address: String) async throws(NodeError) -> SiteSummary {
        note("holders \(address)")
        throw NodeError(.notFound, "no such site", remedy: "Open it.")
    }

    func site(_ address: String) async throws(NodeError) -> SiteSummary {
        note("site \(address)")
        throw NodeError(.notFound, "no such site", remedy: "Open it.")
    }

    func releases(of address: String) async throws(NodeError) -> [ReleaseSummary] { [] }

    func change(_ address: String, _ change: SiteChange) async throws(NodeError) -> SiteSummary {
        note("change \(address) \(change)")
        throw NodeError(.denied, "rule 1 of list local", remedy: "Remove the rule.")
    }

    func identities() async throws(NodeError) -> [IdentitySummary] { [] }

    func newIdentity(name: String) async throws(NodeError) -> NewIdentity {
        note("identity \(name)")
        return NewIdentity(
            identity: IdentitySummary(name: name, id: "00", key: "00", protection: "file mode only", devices: 1),
            recoveryKit: "kit"
        )
    }

    func denyRules() async throws(NodeError) -> [DenyRule] { [] }
    func deny(_ rule: DenyRule) async throws(NodeError) { note("deny \(rule.value)") }
    func allow(_ rule: DenyRule) async throws(NodeError) { note("allow \(rule.value)") }
    func denial(of address: String) async throws(NodeError) -> DenyRule? { nil }

    func peers() async -> [PeerSummary] {
        [
            PeerSummary(
                address: "203.0.113.7:51413",
                client: "Transmission 3.00",
                swarm: "site",
                progress: 1,
                down: 4_812_000,
                up: 0,
                incoming: false
            )
        ]
    }

    func members() async -> [NetworkMember] { [] }
    func dhtTable() async -> [DHTTable] { [] }
    func dhtFind(_ target: String) async throws(NodeError) -> DHTFindResult {
        DHTFindResult(nodes: [DHTContact(id: target, address: "a")], path: [])
    }

    func dhtGet(_ query: DHTItemQuery) async throws(NodeError) -> DHTItemResult {
        DHTItemResult(value: "00", seq: nil, signature: nil, nodes: 8)
    }

    func dhtPut(_ request: DHTPutRequest) async throws(NodeError) -> DHTPutResult {
        DHTPutResult(target: request.value, key: nil, seq: nil, nodes: 8)
    }

    func configuration() async -> [ConfigurationEntry] {
        [ConfigurationEntry(key: "serve", value: "while-open", source: state.withLock { $0.serve })]
    }

    func setConfiguration(_ key: String, to value: String) async throws(NodeError) {
        note("config \(key)=\(value)")
        state.withLock { $0.serve = "file" }
    }
}
