// SPDX-License-Identifier: Apache-2.0

extension Node {
    public func identities() async throws(NodeError) -> [IdentitySummary] {
        let keys = context.keys
        return try await context.blocking.run { try keys.identities() }
    }

    public func newIdentity(name: String) async throws(NodeError) -> NewIdentity {
        let keys = context.keys
        return try await context.blocking.run { try keys.newIdentity(name: name) }
    }
}
