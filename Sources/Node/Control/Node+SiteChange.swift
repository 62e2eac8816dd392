// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

extension Node {
    /// Carries out what `roost site` changes. What else its user must know stands last in the warnings of the answer.
    public func change(_ address: String, _ change: SiteChange) async throws(NodeError) -> SiteSummary {
        visits.used()
        let link = try SiteLink(parsing: address)
        guard case .site(let id) = Self.asSite(link.address) else {
            throw NodeError(
                .usage,
                "'\(address.prefix(120))' is no site with a history",
                remedy: "Give betanet://<64 hex digits> or the magnet link of its key."
            )
        }
        switch change {
        case .pin, .recover: try await welcome(link.address)
        case .unpin, .remove, .withdraw, .rotate: _ = try await record(address)
        }
        let before = try await site(address)
        let note = try await keeping.change(id, change)
        // A site that was removed is shown as it was.
        var after = (try? await site(address)) ?? before
        if let note { after.warnings.append(note) }
        return after
    }

    private static func asSite(_ address: SiteAddress) -> SiteAddress {
        guard case .key(let key, let salt) = address, salt.isEmpty else { return address }
        return .site(key.identifier)
    }
}
