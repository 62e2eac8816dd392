// SPDX-License-Identifier: Apache-2.0
internal import HTTPTypes
internal import Hummingbird
internal import Node
internal import Synchronization

/// Answers every request of the control server: the user interface's files, its session, and the API.
struct ControlResponder: HTTPResponder {
    typealias Context = ConnectionContext

    final class Memory: Sendable {
        let sessions = Mutex(ControlSessions())
    }

    static let cookie = "roost-session"

    let configuration: GatewayConfiguration
    let node: any NodeControl
    let token: String
    let load: GatewayLoad
    let listening: ListeningPort
    let memory = Memory()

    var port: Int { listening.current ?? configuration.control.port }

    func respond(to request: Request, context: ConnectionContext) async throws -> Response {
        let response = await answer(request, context)
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func answer(_ request: Request, _ context: ConnectionContext) async -> Response {
        let sender = ControlGuard.Sender(
            peerIsLoopback: context.peerIsLoopback,
            host: request.host,
            isSafeMethod: request.method == .get || request.method == .head,
            request: request.origin
        )
        let door: ControlGuard.Door
        do throws(ControlGuard.Refusal) {
            door = try ControlGuard.door(sender, address: configuration.control.host, port: port)
        } catch {
            return ControlAnswer.failure(Self.notPermitted(error), status: error == .host ? 421 : 403)
        }
        guard let path = try? RequestPath(target: request.target) else {
            return ControlAnswer.failure(NodeError(.usage, "the address is malformed", remedy: "Correct it."))
        }
        guard path.components.starts(with: ["api", "v1"]) else {
            guard ControlGuard.allowsPage(sender, door: door) else {
                return ControlAnswer.failure(Self.notPermitted(.crossSite))
            }
            return HomeFiles.answer(path)
        }
        guard ControlGuard.allowsCall(sender, door: door, port: port) else {
            return ControlAnswer.failure(Self.notPermitted(.crossSite))
        }
        return await call(request, context.client, path, door)
    }

    private func call(
        _ request: Request,
        _ client: Client,
        _ path: RequestPath,
        _ door: ControlGuard.Door
    ) async -> Response {
        let name = path.components.dropFirst(2).joined(separator: "/")
        if name == "session", !path.isFolder { return await session(request, door) }
        let isProgram = isProgram(request)
        guard isProgram || (door == .name && isInterface(request)) else {
            let error = NodeError(
                .notPermitted,
                "the call carries neither the token nor an open session",
                remedy: "Programs send the token of control.token; for the home page run `roost ui`."
            )
            return ControlAnswer.failure(error)
        }
        guard let route = ControlRoute(rawValue: name), !path.isFolder else {
            let error = NodeError(.notFound, "there is no call '\(name)'", remedy: "See docs/protocols/control-api.md.")
            return ControlAnswer.failure(error)
        }
        guard request.method == (route.isPost ? .post : .get) else {
            let error = NodeError(.usage, "'\(name)' is a \(route.isPost ? "POST" : "GET")", remedy: "Send that.")
            return ControlAnswer.failure(error, status: 405)
        }
        // A page that is open may not make more of itself.
        if route == .code, !isProgram {
            return ControlAnswer.failure(NodeError(.notPermitted, "only programs get codes", remedy: "Run `roost ui`."))
        }
        let call = ControlCall(responder: self, request: request, client: client, route: route, query: path.query)
        return await call.answer()
    }

    private func isProgram(_ request: Request) -> Bool {
        guard let header = request.headers[named: "Authorization"], header.hasPrefix("Bearer ") else { return false }
        return !token.isEmpty && Secret.equal(String(header.dropFirst(7)), token)
    }

    private func isInterface(_ request: Request) -> Bool {
        guard let cookie = Self.cookie(of: request), let csrf = request.headers[named: "X-Roost-CSRF"] else {
            return false
        }
        return memory.sessions.withLock { $0.admits(cookie: cookie, csrf: csrf, now: .now) }
    }

    static func cookie(of request: Request) -> String? {
        let pairs = (request.headers[named: "Cookie"] ?? "").split(separator: ";")
        let words = pairs.map { $0.drop { $0 == " " } }
        return words.first { $0.hasPrefix(cookie + "=") }.map { String($0.dropFirst(cookie.count + 1)) }
    }

    private static func notPermitted(_ refusal: ControlGuard.Refusal) -> NodeError {
        let message =
            switch refusal {
            case .peer: "only this computer is served"
            case .host: "this name is not the control address"
            case .crossSite: "pages of other origins cannot steer the node"
            case .upgrade: "there is no WebSocket here"
            }
        return NodeError(.notPermitted, message, remedy: "Use http://\(ControlGuard.name) on the control port.")
    }
}
