// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import Node
internal import Wire

/// Speaks HTTP/1.1 to the control API of a node on this machine: one connection a call.
///
/// Cancelling a call closes its connection, and the node stops what it did for it.
struct ControlClient: Sendable {
    let endpoint: Endpoint
    let token: String

    /// Answers of a call that does not stream are at most this long.
    static let maximumAnswer = 64 << 20

    func get<Result: Decodable>(_ route: ControlRoute, _ argument: String? = nil) async throws(NodeError) -> Result {
        let query = argument.map { "?\(ControlRoute.argument)=\(Self.escape($0))" } ?? ""
        return try await single(head(.GET, route.path + query), body: nil)
    }

    func post<Result: Decodable>(_ route: ControlRoute, _ body: some Encodable) async throws(NodeError) -> Result {
        let data = Self.encode(body)
        return try await single(head(.POST, route.path, length: data.count), body: data)
    }

    /// A call whose answer is lines: `report` gets each progress, the result ends it.
    func stream<Result: Codable & Sendable>(
        _ route: ControlRoute,
        _ body: some Encodable,
        report: NodeControl.Report
    ) async throws(NodeError) -> Result {
        let data = Self.encode(body)
        var outcome: Swift.Result<Result, NodeError>?
        var lines = LineSplitter(limit: Self.maximumAnswer)
        try await exchange(head(.POST, route.path, length: data.count), body: data) { _, part throws(NodeError) in
            for line in try lines.append(part) {
                guard let line = try? JSONDecoder().decode(ControlLine<Result>.self, from: Data(line)) else {
                    throw Self.strange
                }
                if let progress = line.progress { report(progress) }
                if let result = line.result { outcome = .success(result) }
                if let error = line.error { outcome = .failure(error) }
            }
        }
        guard let outcome else { throw Self.gone }
        return try outcome.get()
    }

    private func single<Result: Decodable>(_ head: HTTPRequestHead, body: Data?) async throws(NodeError) -> Result {
        var answer: [UInt8] = []
        var status = HTTPResponseStatus.ok
        try await exchange(head, body: body) { code, part throws(NodeError) in
            status = code
            guard answer.count + part.count <= Self.maximumAnswer else { throw Self.strange }
            answer += part
        }
        let data = Data(answer)
        if status.code / 100 == 2, let result = try? JSONDecoder().decode(Result.self, from: data) { return result }
        if let failure = try? JSONDecoder().decode(ControlFailure.self, from: data) { throw failure.error }
        throw Self.strange
    }

    private func head(_ method: HTTPMethod, _ uri: String, length: Int? = nil) -> HTTPRequestHead {
        var headers = HTTPHeaders([
            ("Host", endpoint.description), ("Authorization", "Bearer \(token)"), ("Connection", "close"),
        ])
        if let length {
            headers.add(name: "Content-Type", value: "application/json")
            headers.add(name: "Content-Length", value: String(length))
        }
        return HTTPRequestHead(version: .http1_1, method: method, uri: uri, headers: headers)
    }

    /// Sends one request and hands every part of the answer's body to `receive`, with the status.
    private func exchange(
        _ head: HTTPRequestHead,
        body: Data?,
        receive: (HTTPResponseStatus, [UInt8]) throws(NodeError) -> Void
    ) async throws(NodeError) {
        do {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.seconds(5))
                .connect(host: endpoint.address.description, port: Int(endpoint.port)) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        return try NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>(
                            wrappingChannelSynchronously: channel
                        )
                    }
                }
            try await channel.executeThenClose { inbound, outbound in
                try await outbound.write(.head(head))
                if let body { try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: body)))) }
                try await outbound.write(.end(nil))
                var status = HTTPResponseStatus.ok
                for try await part in inbound {
                    switch part {
                    case .head(let head): status = head.status
                    case .body(let buffer): try receive(status, Array(buffer.readableBytesView))
                    case .end: return
                    }
                }
            }
        } catch let error as NodeError {
            throw error
        } catch {
            throw Self.gone
        }
    }

    private static func encode(_ body: some Encodable) -> Data { Data(Output.json(body).utf8) }

    static func escape(_ text: String) -> String {
        let plain = CharacterSet(charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
        return text.addingPercentEncoding(withAllowedCharacters: plain) ?? ""
    }

    private static let gone = NodeError(
        .unavailable,
        "the node does not answer",
        remedy: "See its log in the home, or start it again with `roost start`."
    )

    private static let strange = NodeError(
        .internal,
        "the node answered something that this version does not understand",
        remedy: "Stop it with `roost stop` and start it with this version of the program."
    )
}

/// Cuts bytes that come in parts into lines.
struct LineSplitter {
    let limit: Int
    private var rest: [UInt8] = []

    init(limit: Int) {
        self.limit = limit
    }

    /// The lines that `part` completes, without their ends. Throws where one grows beyond the limit.
    mutating func append(_ part: [UInt8]) throws(NodeError) -> [[UInt8]] {
        guard rest.count + part.count <= limit else {
            throw NodeError(.internal, "a line of the answer is too long", remedy: "Report this with the node's log.")
        }
        rest += part
        var pieces = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Array.init)
        rest = pieces.popLast() ?? []
        return pieces.filter { !$0.isEmpty }
    }
}
