// SPDX-License-Identifier: Apache-2.0

extension Node {
    /// Those of this home.
    public func identities() async throws(NodeError) -> [IdentitySummary] {
        let keys = context.keys
        return try await context.blocking.run { try keys.identities() }
    }

    /// Makes an identity with its recovery kit, which is shown this once.
    public func newIdentity(name: String) async throws(NodeError) -> NewIdentity {
        let keys = context.keys
        return try await context.blocking.run { try keys.newIdentity(name: name) }
    }
}
