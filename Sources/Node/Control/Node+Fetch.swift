// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension Node {
    /// Fetches all that a link names into the store, and into a folder where the request names one.
    public func fetch(_ request: FetchRequest, report: @escaping Report) async throws(NodeError) -> FetchResult {
        visits.used()
        let address = try SiteLink(parsing: request.link).address
        try await welcome(address)
        let result = try await keeping.fetcher.fetch(request, hints: hints.of(address.id), report: report)
        await keeping.serve(address.id)
        return result
    }

    public func change(_ address: String, _ change: SiteChange) async throws(NodeError) -> SiteSummary {
        visits.used()
        let before = try await site(address)
        guard let id = Digest256(hex: before.site.suffix(64)) else {
            throw NodeError(.badData, "'\(address)' is no site", remedy: "Give a betanet: address.")
        }
        let note = try await keeping.change(id, change)
        // A site that was removed is shown as it was.
        var after = (try? await site(address)) ?? before
        if let note { after.warnings.append(note) }
        return after
    }
}
