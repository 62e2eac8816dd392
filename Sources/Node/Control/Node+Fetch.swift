// SPDX-License-Identifier: Apache-2.0

extension Node {
    /// Fetches all that a link names into the store, and into a folder where the request names one.
    public func fetch(_ request: FetchRequest, report: @escaping Report) async throws(NodeError) -> FetchResult {
        visits.used()
        let address = try SiteLink(parsing: request.link).address
        try await welcome(address)
        let result = try await keeping.fetcher.fetch(request, hints: hints.known(address.id), report: report)
        await keeping.serve(address.id)
        return result
    }
}
