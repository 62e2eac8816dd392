// SPDX-License-Identifier: Apache-2.0
internal import HTTPTypes
internal import Hummingbird
internal import Node
internal import Synchronization
internal import Wire

/// One request to the origin of a site, from the decision what it may do to the answer.
struct ContentCall: Sendable {
    /// The folder of every origin that is the gateway's own.
    static let ownFolder = ".roost"

    let responder: ContentResponder
    let request: Request
    let client: Client
    let host: ContentHost
    let path: RequestPath

    var reader: any ReleaseReading { responder.reader }
    var memory: ContentMemory { responder.memory }
    var configuration: GatewayConfiguration { responder.configuration }

    /// `http://host:port`, as a browser writes it.
    var ownOrigin: String {
        let port = responder.port.current ?? configuration.content.port
        return "http://\(host.name)" + (port == 80 ? "" : ":\(port)")
    }

    func sitePage() async -> Response {
        guard request.method == .get || request.method == .head else { return Self.methodNotAllowed("GET, HEAD") }
        let isKnown = await reader.isKnown(site: host.site)
        switch RequestTrigger.decide(request.origin, ownOrigin: ownOrigin, isKnown: isKnown) {
        case .refuse(let refusal): return Self.refused(refusal)
        case .ask: return ask()
        case .serve(let mayUseNetwork, let movesRelease, let welcomes):
            let began = configuration.now()
            do {
                if welcomes { try await reader.welcome(site: host.site) }
                let response = try await Deadline.within(patience, of: client) {
                    try await page(mayUseNetwork: mayUseNetwork, movesRelease: movesRelease)
                }
                guard let response else { throw Self.stillLooking }
                memory.searches.withLock { $0.found(host.site) }
                return response
            } catch {
                return await failed(error, began: began)
            }
        }
    }

    /// Finds the page, and has its first bytes.
    func page(mayUseNetwork: Bool, movesRelease: Bool) async throws -> Response {
        let lookup = ContentLookup(
            reader: reader,
            memory: memory,
            host: host,
            path: path,
            mayUseNetwork: mayUseNetwork,
            movesRelease: movesRelease
        )
        let found = try await lookup.find()
        var response: Response
        switch found.target {
        case .file(let file): response = try await send(file, of: found.release, mayUseNetwork, status: .ok)
        case .missing(let file?): response = try await send(file, of: found.release, mayUseNetwork, status: .notFound)
        case .missing(nil): response = ContentPages.notFound(path, in: found.release).response(.notFound)
        case .listing(let names):
            response = ContentPages.listing(path, names: names).response(.ok, headers: cacheHeaders)
        case .redirect:
            let location = path.encoded + "/" + (path.query.flatMap(Self.safeQuery).map { "?" + $0 } ?? "")
            var headers = cacheHeaders
            headers[named: "Location"] = location
            response = Response(status: .movedPermanently, headers: headers)
        }
        response.headers[named: "X-Roost-Release"] = Self.releaseHeader(found.release)
        return response
    }

    private func send(
        _ file: ReleaseFile,
        of release: ReleaseReference,
        _ mayUseNetwork: Bool,
        status: HTTPResponse.Status
    ) async throws -> Response {
        let stream = ContentStream(
            reader: reader,
            file: file,
            release: release,
            mayUseNetwork: mayUseNetwork,
            patience: configuration.patience,
            client: client
        )
        return try await FileResponse(stream: stream, request: request, cacheControl: cacheControl, status: status)
            .make()
    }

    /// A page load by a person gets the live page soon; a program or a part of a page rather waits for its bytes.
    private var patience: Duration { isPageLoad ? configuration.pagePatience : configuration.patience }

    private var isPageLoad: Bool {
        request.origin.mode == "navigate" || (request.headers[named: "Accept"] ?? "").contains("text/html")
    }

    private var cacheControl: String {
        host.sequence == nil ? "no-cache" : "public, max-age=31536000, immutable"
    }

    private var cacheHeaders: HTTPFields {
        var headers: HTTPFields = [:]
        headers[named: "Cache-Control"] = cacheControl
        return headers
    }

    static let stillLooking = NodeError(.unavailable, "nobody answered yet", remedy: "Wait, or try again later.")

    /// `<seq> <label>`; a label may hold what a header field may not.
    private static func releaseHeader(_ release: ReleaseReference) -> String {
        let label = release.label.utf8.map { byte -> String in
            (0x21...0x7e).contains(byte) && byte != 0x25
                ? String(UnicodeScalar(byte)) : "%" + Hex.encode([byte]).uppercased()
        }
        return label.isEmpty ? "\(release.sequence)" : "\(release.sequence) \(label.joined())"
    }

    /// As it came, where it is made of characters that a header field may hold.
    static func safeQuery(_ query: String) -> String? {
        query.utf8.allSatisfy { (0x21...0x7e).contains($0) } ? query : nil
    }

    static func methodNotAllowed(_ allowed: String) -> Response {
        var headers: HTTPFields = [:]
        headers[named: "Allow"] = allowed
        return ContentResponder.plain(.methodNotAllowed, "Only \(allowed).", headers: headers)
    }

    static func refused(_ refusal: RequestTrigger.Refusal) -> Response {
        switch refusal {
        case .crossSite: ContentResponder.plain(.forbidden, "Pages of other origins cannot use this site.")
        case .upgrade: ContentResponder.plain(.forbidden, "Sites have no WebSocket here.")
        }
    }
}
