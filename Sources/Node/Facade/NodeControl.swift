// SPDX-License-Identifier: Apache-2.0

/// Steers a running node. The control API and the commands know the node only through this.
///
/// Results are the JSON values of the surface: their coding keys are a contract. Calls that take long report progress
/// and stop when their task is cancelled.
public protocol NodeControl: Sendable {
    typealias Report = @Sendable (NodeProgress) -> Void

    func status() async -> NodeStatus
    func stop() async
    func doctor(repair: Bool, report: @escaping Report) async throws(NodeError) -> DoctorReport

    func publish(_ request: PublishRequest, report: @escaping Report) async throws(NodeError) -> PublishResult
    func fetch(_ request: FetchRequest, report: @escaping Report) async throws(NodeError) -> FetchResult
    /// Resolves `link` and answers with the gateway's address for it.
    func open(_ link: String) async throws(NodeError) -> OpenResult
    func why(_ link: String) async throws(NodeError) -> WhyReport

    func sites() async throws(NodeError) -> [SiteSummary]
    func site(_ address: String) async throws(NodeError) -> SiteSummary
    /// The same, after a search for those who hold it, with their addresses.
    func siteWithHolders(_ address: String) async throws(NodeError) -> SiteSummary
    /// The provable history, oldest first.
    func releases(of address: String) async throws(NodeError) -> [ReleaseSummary]
    func change(_ address: String, _ change: SiteChange) async throws(NodeError) -> SiteSummary

    func identities() async throws(NodeError) -> [IdentitySummary]
    func newIdentity(name: String) async throws(NodeError) -> NewIdentity

    func denyRules() async throws(NodeError) -> [DenyRule]
    func deny(_ rule: DenyRule) async throws(NodeError)
    func allow(_ rule: DenyRule) async throws(NodeError)
    /// The rule that forbids what `address` names; nil where none does.
    func denial(of address: String) async throws(NodeError) -> DenyRule?

    func peers() async -> [PeerSummary]
    func dhtTable() async -> [DHTTable]
    func dhtFind(_ target: String) async throws(NodeError) -> [DHTContact]
    func dhtGet(_ query: DHTItemQuery) async throws(NodeError) -> DHTItemResult
    func dhtPut(_ request: DHTPutRequest) async throws(NodeError) -> DHTPutResult

    /// The effective configuration, secrets hidden.
    func configuration() async -> [ConfigurationEntry]
    func setConfiguration(_ key: String, to value: String) async throws(NodeError)
}
