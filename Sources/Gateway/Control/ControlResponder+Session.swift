// SPDX-License-Identifier: Apache-2.0
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Node
internal import Synchronization

extension ControlResponder {
    private struct SessionRequest: Codable {
        /// The one-time code; without it the cookie's session goes on.
        var code: String?
    }

    /// `POST /api/v1/session`: what the interface's page does first. Only its own script can, since a browser names the
    /// origin of every `POST`.
    func session(_ request: Request, _ door: ControlGuard.Door) async -> Response {
        guard request.method == .post else {
            return ControlAnswer.failure(NodeError(.usage, "'session' is a POST", remedy: "Send that."), status: 405)
        }
        let ownOrigin = "http://\(ControlGuard.name)" + (port == 80 ? "" : ":\(port)")
        guard door == .name, request.origin.origin == ownOrigin else { return Self.noSession }
        guard let body = try? await request.body.collect(upTo: 1024),
            let wanted = try? ControlAnswer.decode(SessionRequest.self, from: Array(body.readableBytesView))
        else {
            return ControlAnswer.failure(NodeError(.usage, "the body is no session request", remedy: "Send {}."))
        }
        if let code = wanted.code {
            let (cookie, csrf) = (Secret.random(), Secret.random())
            let session = memory.sessions.withLock { $0.exchange(code, cookie: cookie, csrf: csrf, now: .now) }
            return session.map { opened($0, isNew: true) } ?? Self.noSession
        }
        guard let cookie = Self.cookie(of: request),
            let session = memory.sessions.withLock({ $0.resumed(cookie: cookie, now: .now) })
        else { return Self.noSession }
        return opened(session, isNew: false)
    }

    private func opened(_ session: ControlSessions.Session, isNew: Bool) -> Response {
        guard let bytes = try? ControlAnswer.encode(["csrf": session.csrf]) else { return Self.noSession }
        var response = ControlAnswer.json(bytes)
        if isNew {
            // No Domain: the cookie belongs to this host alone, so no site's origin ever carries or sees it.
            response.headers[named: "Set-Cookie"] =
                "\(Self.cookie)=\(session.cookie); Path=/; HttpOnly; SameSite=Strict"
        }
        return response
    }

    private static var noSession: Response {
        ControlAnswer.failure(NodeError(.notPermitted, "there is no open session", remedy: "Run `roost ui`."))
    }
}
