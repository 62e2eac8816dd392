// SPDX-License-Identifier: Apache-2.0

extension Node {
    public func dhtTable() async -> [DHTTable] { [await network.table()] }

    public func dhtFind(_ target: String) async throws(NodeError) -> [DHTContact] { try await network.find(target) }

    public func dhtGet(_ query: DHTItemQuery) async throws(NodeError) -> DHTItemResult { try await network.get(query) }

    public func dhtPut(_ request: DHTPutRequest) async throws(NodeError) -> DHTPutResult {
        try await network.put(request)
    }
}
