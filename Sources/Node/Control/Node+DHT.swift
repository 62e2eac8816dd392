// SPDX-License-Identifier: Apache-2.0

extension Node {
    /// One table a network.
    public func dhtTable() async -> [DHTTable] { [await network.table()] }

    /// Those of the network whose signed address this node holds.
    public func members() async -> [NetworkMember] { await network.members() }

    /// The nodes closest to a target of 40 digits.
    public func dhtFind(_ target: String) async throws(NodeError) -> DHTFindResult { try await network.find(target) }

    /// The item that most nodes agree on, checked.
    public func dhtGet(_ query: DHTItemQuery) async throws(NodeError) -> DHTItemResult { try await network.get(query) }

    /// Stores an item at the closest nodes; a mutable one with a sequence number above the last.
    public func dhtPut(_ request: DHTPutRequest) async throws(NodeError) -> DHTPutResult {
        try await network.put(request)
    }
}
