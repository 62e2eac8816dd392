// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Wire

extension Node {
    /// Makes a folder a new release. Durable when it returns; announcing goes on in the background.
    ///
    /// With a push it returns when as many peers as were asked for hold all of it, or nobody is left to ask. The release
    /// stands whatever becomes of the push.
    public func publish(_ request: PublishRequest, report: @escaping Report) async throws(NodeError) -> PublishResult {
        visits.used()
        if let copies = request.push, !PushSpecification.copies.contains(copies) {
            throw NodeError(
                .usage,
                "a release can be pushed to \(PushSpecification.copies.lowerBound) to "
                    + "\(PushSpecification.copies.upperBound) peers",
                remedy: "Give --push a number of these."
            )
        }
        var result = try await publisher.publish(request, names: names, report: report)
        if let copies = request.push { result.pushed = await push(result, to: copies, report) }
        return result
    }

    private func push(_ result: PublishResult, to copies: Int, _ report: @escaping Report) async -> PushReport? {
        guard let site = try? SiteLink(parsing: result.site).address.id,
            let state = try? await sites.feed(of: site)?.state,
            let release = state.release(seq: Int64(clamping: result.seq))?.release
        else { return nil }
        let pusher = Pusher(sites: sites, swarms: swarms)
        return await pusher.push(SiteRelease(site: site, release: release), to: copies, report: report)
    }
}
