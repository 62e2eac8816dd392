// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Node
internal import Synchronization
internal import Wire

/// What lives under `/.roost/` of every origin: the answer to "open this site?", and what the live page watches.
extension ContentCall {
    private static let longestForm = 16 * 1024

    func ownPage() async -> Response {
        switch path.components.dropFirst().joined(separator: "/") {
        case "open": await confirm()
        case "activity": await watched { await activity() }
        case "wait": await watched { await wait() }
        default: ContentResponder.plain(.notFound, "The gateway has nothing here.")
        }
    }

    /// The user pressed the button: only the question's own page can send this.
    private func confirm() async -> Response {
        guard request.method == .post else { return Self.methodNotAllowed("POST") }
        let sender = request.origin
        guard
            sender.origin == ownOrigin || (sender.origin == nil && sender.refers(to: ownOrigin)),
            sender.site == "same-origin" || !sender.hasMetadata, !sender.wantsUpgrade
        else { return Self.refused(.crossSite) }
        guard let body = try? await request.body.collect(upTo: Self.longestForm) else {
            return ContentResponder.plain(.contentTooLarge, "The form is too long.")
        }
        let form = FormText.fields(String(buffer: body))
        guard let token = form["token"],
            memory.consents.withLock({ $0.answered(host.site, token: token, now: .now) })
        else { return ask() }
        do throws(NodeError) {
            try await reader.welcome(site: host.site)
        } catch {
            return ContentPages.failure(error).response(.init(code: error.kind.httpStatus))
        }
        var headers: HTTPFields = [:]
        headers[named: "Location"] = Self.destination(form["to"] ?? "/")
        return Response(status: .seeOther, headers: headers)
    }

    /// For the site's own pages and for programs; never for other origins, and never before the site is known.
    private func watched(_ answer: () async -> Response) async -> Response {
        guard request.method == .get else { return Self.methodNotAllowed("GET") }
        let isKnown = await reader.isKnown(site: host.site)
        let decision = RequestTrigger.decide(request.origin, ownOrigin: ownOrigin, isKnown: isKnown)
        guard isKnown, case .serve(mayUseNetwork: true, _, _) = decision else { return Self.refused(.crossSite) }
        return await answer()
    }

    private func activity() async -> Response {
        let activity = await reader.activity(of: host.site)
        guard let json = try? JSONEncoder().encode(activity) else {
            return ContentResponder.plain(.internalServerError, "The activity has no text.")
        }
        var headers: HTTPFields = [:]
        headers[named: "Content-Type"] = "application/json"
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: json)))
    }

    /// Answers 204 when the page in the query can be had, or as it cannot; 504 after the whole patience.
    private func wait() async -> Response {
        guard let text = path.query.flatMap({ PercentEncoding.decodeText($0.utf8) }),
            let wanted = try? RequestPath(target: text),
            wanted.components.first != Self.ownFolder
        else { return ContentResponder.plain(.badRequest, "The query is no path.") }
        let call = ContentCall(responder: responder, request: request, client: client, host: host, path: wanted)
        do {
            let page = try await Deadline.within(configuration.patience, of: client) {
                try await call.pageAtLast()
            }
            guard page != nil else { throw Self.stillLooking }
            memory.searches.withLock { $0.found(host.site) }
            return Response(status: .noContent)
        } catch let error as NodeError {
            let status = error.kind == .unavailable ? 504 : error.kind.httpStatus
            return ContentResponder.plain(.init(code: status), error.message)
        } catch {
            return ContentResponder.plain(.internalServerError, "The page could not be read.")
        }
    }

    /// Looks again where a search ended early with nobody found: a node that has just begun knows nobody to ask.
    private func pageAtLast() async throws -> Response {
        while true {
            do {
                return try await page(mayUseNetwork: true, movesRelease: false)
            } catch let error as NodeError where error.kind == .unavailable {
                try await Task.sleep(for: configuration.searchPause)
            }
        }
    }

    /// Back to a path of this origin, whatever the form says.
    private static func destination(_ target: String) -> String {
        guard let path = try? RequestPath(target: target) else { return "/" }
        return path.encoded + (path.query.flatMap(safeQuery).map { "?" + $0 } ?? "")
    }
}
