// SPDX-License-Identifier: Apache-2.0
internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import NIOCore
internal import Node
internal import Wire

/// Answers every request of the content server.
struct ContentResponder: HTTPResponder {
    typealias Context = ConnectionContext

    let configuration: GatewayConfiguration
    let reader: any ReleaseReading
    let port: ListeningPort
    let memory = ContentMemory()

    func respond(to request: Request, context: ConnectionContext) async throws -> Response {
        let response = await answer(request, context)
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func answer(_ request: Request, _ context: ConnectionContext) async -> Response {
        guard context.peerIsLoopback else { return Self.plain(.forbidden, "Only this computer is served.") }
        guard let authority = request.host,
            let host = ContentHost(authority: authority, port: port.current ?? configuration.content.port),
            host.network == configuration.network
        else { return Self.plain(.misdirectedRequest, "This name is not the address of a site.") }
        let path: RequestPath
        do throws(RequestPath.Problem) {
            path = try RequestPath(target: request.target)
        } catch {
            return error == .tooLong
                ? Self.plain(.uriTooLong, "The address is too long.")
                : Self.plain(.badRequest, "The address is malformed.")
        }
        let call = ContentCall(
            responder: self,
            request: request,
            client: context.client,
            host: host,
            path: path
        )
        return path.components.first == ContentCall.ownFolder ? await call.ownPage() : await call.sitePage()
    }

    static func plain(_ status: HTTPResponse.Status, _ text: String, headers: HTTPFields = [:]) -> Response {
        var headers = headers
        headers[named: "Content-Type"] = "text/plain; charset=utf-8"
        return Response(
            status: status,
            headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(string: text + "\n"))
        )
    }
}
