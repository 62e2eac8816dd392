// SPDX-License-Identifier: Apache-2.0

/// Steers a running node. The control API and the commands know the node only through this.
///
/// Results are the JSON values of the surface: their coding keys are a contract. Calls that take long report progress
/// and stop when their task is cancelled.
public protocol NodeControl: Sendable {
    /// Told how far a long call is; from any thread.
    typealias Report = @Sendable (NodeProgress) -> Void

    /// What the node is and does at this moment.
    func status() async -> NodeStatus
    /// Ends the node within 5 s.
    func stop() async
    /// Looks for faults; mends what can be mended without loss where `repair`.
    func doctor(repair: Bool, report: @escaping Report) async throws(NodeError) -> DoctorReport

    /// Makes a release of a folder, durable when it returns; announcing goes on behind it.
    func publish(_ request: PublishRequest, report: @escaping Report) async throws(NodeError) -> PublishResult
    /// Brings the whole of what a link names into the store, and into a folder where the request names one.
    func fetch(_ request: FetchRequest, report: @escaping Report) async throws(NodeError) -> FetchResult
    /// Keeps the description that the bytes of a .torrent file have, so that no peer need be asked for it; answers with
    /// the torrent's magnet link. Throws `.notPermitted` where it is private (BEP 27).
    func learn(torrent file: [UInt8]) async throws(NodeError) -> String
    /// Resolves `link` and answers with the gateway's address for it.
    func open(_ link: String) async throws(NodeError) -> OpenResult
    /// Follows a link to its page, stage by stage, and reports each as it ends; one that fails is part of the result.
    func why(_ link: String, report: @escaping Report) async throws(NodeError) -> WhyReport

    /// All sites that are known here.
    func sites() async throws(NodeError) -> [SiteSummary]
    /// One known site. Throws `.noInput` where it is unknown.
    func site(_ address: String) async throws(NodeError) -> SiteSummary
    /// The same, after a search for those who hold it, with their addresses.
    func siteWithHolders(_ address: String) async throws(NodeError) -> SiteSummary
    /// The provable history, oldest first.
    func releases(of address: String) async throws(NodeError) -> [ReleaseSummary]
    /// Pins, removes, withdraws, rotates or recovers; answers with the site as it then stands.
    func change(_ address: String, _ change: SiteChange) async throws(NodeError) -> SiteSummary

    /// Those of this home.
    func identities() async throws(NodeError) -> [IdentitySummary]
    /// Makes one, with its recovery kit.
    func newIdentity(name: String) async throws(NodeError) -> NewIdentity

    /// Local rules and those of lists.
    func denyRules() async throws(NodeError) -> [DenyRule]
    /// Adds a local rule, and closes what it forbids.
    func deny(_ rule: DenyRule) async throws(NodeError)
    /// Takes a local rule back. Throws `.noInput` where there is none.
    func allow(_ rule: DenyRule) async throws(NodeError)
    /// The rule that forbids what `address` names; nil where none does.
    func denial(of address: String) async throws(NodeError) -> DenyRule?

    /// Connected now, for all torrents.
    func peers() async -> [PeerSummary]
    /// Those of the network whose signed address this node holds; none where they do not announce themselves to all.
    func members() async -> [NetworkMember]
    /// One table a network.
    func dhtTable() async -> [DHTTable]
    /// The nodes closest to a target of 40 hex digits.
    func dhtFind(_ target: String) async throws(NodeError) -> DHTFindResult
    /// An item of the DHT, checked.
    func dhtGet(_ query: DHTItemQuery) async throws(NodeError) -> DHTItemResult
    /// Stores an item at the closest nodes.
    func dhtPut(_ request: DHTPutRequest) async throws(NodeError) -> DHTPutResult

    /// The effective configuration, secrets hidden.
    func configuration() async -> [ConfigurationEntry]
    /// Checks and writes one value; what can change while the node runs changes now.
    func setConfiguration(_ key: String, to value: String) async throws(NodeError)
}
