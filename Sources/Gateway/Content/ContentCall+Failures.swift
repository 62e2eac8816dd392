// SPDX-License-Identifier: Apache-2.0
internal import HTTPTypes
internal import Hummingbird
internal import Node
internal import Synchronization

extension ContentCall {
    /// What the reader sees where there is no page.
    func failed(_ error: any Error, began: ContinuousClock.Instant) async -> Response {
        guard let error = error as? NodeError else {
            let fault = NodeError(.internal, "the page could not be read", remedy: "Report it with the log.")
            return ContentPages.failure(fault).response(.internalServerError)
        }
        guard error.kind == .unavailable else {
            return ContentPages.failure(error).response(.init(code: error.kind.httpStatus))
        }
        let outcome = memory.searches.withLock {
            $0.missed(host.site, began: began, now: configuration.now(), patience: configuration.patience)
        }
        let activity = await reader.activity(of: host.site)
        guard outcome == .stillLooking else {
            return ContentPages.timedOut(host.site, activity: activity).response(.gatewayTimeout)
        }
        var headers: HTTPFields = [:]
        headers[named: "Retry-After"] = "3"
        return ContentPages.looking(host.site, activity: activity).response(.serviceUnavailable, headers: headers)
    }

    /// "Open this site?": nothing was asked or fetched for it.
    func ask() -> Response {
        let token = memory.consents.withLock { $0.asked(host.site, random: Secret.random(), now: .now) }
        let target = path.encoded + (path.query.flatMap(Self.safeQuery).map { "?" + $0 } ?? "")
        return ContentPages.ask(host.site, token: token, target: target).response(.ok)
    }
}
