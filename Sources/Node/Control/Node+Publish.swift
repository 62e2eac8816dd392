// SPDX-License-Identifier: Apache-2.0

extension Node {
    /// Makes a folder a new release. Durable when it returns; announcing goes on in the background.
    public func publish(_ request: PublishRequest, report: @escaping Report) async throws(NodeError) -> PublishResult {
        visits.used()
        return try await publisher.publish(request, names: names, report: report)
    }
}
