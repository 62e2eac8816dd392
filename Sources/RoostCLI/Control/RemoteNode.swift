// SPDX-License-Identifier: Apache-2.0
internal import Node
internal import Wire

/// A node in another process, steered through its control API.
struct RemoteNode: NodeControl {
    let client: ControlClient
    /// What the node said of itself when it was reached.
    let lastStatus: NodeStatus

    static func connect(_ client: ControlClient) async throws(NodeError) -> RemoteNode {
        RemoteNode(client: client, lastStatus: try await client.get(.status))
    }

    func status() async -> NodeStatus { (try? await client.get(.status)) ?? lastStatus }

    func stop() async {
        // It may be gone before it has answered, which is what was asked for.
        _ = try? await client.post(.stop, ControlDone()) as ControlDone
    }

    func doctor(repair: Bool, report: @escaping Report) async throws(NodeError) -> DoctorReport {
        try await client.stream(.doctor, DoctorRequest(repair: repair), report: report)
    }

    func publish(_ request: PublishRequest, report: @escaping Report) async throws(NodeError) -> PublishResult {
        try await client.stream(.publish, request, report: report)
    }

    func fetch(_ request: FetchRequest, report: @escaping Report) async throws(NodeError) -> FetchResult {
        try await client.stream(.fetch, request, report: report)
    }

    func learn(torrent file: [UInt8]) async throws(NodeError) -> String {
        (try await client.post(.learn, file: file, type: "application/x-bittorrent") as ControlArgument).value
    }

    func open(_ link: String) async throws(NodeError) -> OpenResult {
        try await client.post(.open, ControlArgument(link))
    }

    func why(_ link: String, report: @escaping Report) async throws(NodeError) -> WhyReport {
        try await client.stream(.why, ControlArgument(link), report: report)
    }

    func sites() async throws(NodeError) -> [SiteSummary] { try await client.get(.sites) }

    func site(_ address: String) async throws(NodeError) -> SiteSummary { try await client.get(.site, address) }

    func siteWithHolders(_ address: String) async throws(NodeError) -> SiteSummary {
        try await client.post(.siteHolders, ControlArgument(address))
    }

    func releases(of address: String) async throws(NodeError) -> [ReleaseSummary] {
        try await client.get(.releases, address)
    }

    func change(_ address: String, _ change: SiteChange) async throws(NodeError) -> SiteSummary {
        try await client.post(.changeSite, SiteChangeRequest(address: address, change: change))
    }

    func identities() async throws(NodeError) -> [IdentitySummary] { try await client.get(.identities) }

    func newIdentity(name: String) async throws(NodeError) -> NewIdentity {
        try await client.post(.newIdentity, ControlArgument(name))
    }

    func denyRules() async throws(NodeError) -> [DenyRule] { try await client.get(.denyRules) }

    func deny(_ rule: DenyRule) async throws(NodeError) {
        _ = try await client.post(.addDenyRule, rule) as ControlDone
    }

    func allow(_ rule: DenyRule) async throws(NodeError) {
        _ = try await client.post(.removeDenyRule, rule) as ControlDone
    }

    func denial(of address: String) async throws(NodeError) -> DenyRule? {
        let answer: [String: DenyRule?] = try await client.get(.denial, address)
        return answer["rule"] ?? nil
    }

    func peers() async -> [PeerSummary] { (try? await client.get(.peers)) ?? [] }

    func members() async -> [NetworkMember] { (try? await client.get(.members)) ?? [] }

    func dhtTable() async -> [DHTTable] { (try? await client.get(.dhtTable)) ?? [] }

    func dhtFind(_ target: String) async throws(NodeError) -> DHTFindResult {
        try await client.post(.dhtFind, ControlArgument(target))
    }

    func dhtGet(_ query: DHTItemQuery) async throws(NodeError) -> DHTItemResult {
        try await client.post(.dhtGet, query)
    }

    func dhtPut(_ request: DHTPutRequest) async throws(NodeError) -> DHTPutResult {
        try await client.post(.dhtPut, request)
    }

    func configuration() async -> [ConfigurationEntry] { (try? await client.get(.configuration)) ?? [] }

    func setConfiguration(_ key: String, to value: String) async throws(NodeError) {
        _ = try await client.post(.setConfiguration, ConfigurationChange(key: key, value: value)) as ControlDone
    }
}
