// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import NIOHTTP1
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
        let query = argument.map { "?\(ControlRoute.argument)=\(PercentEncoding.encode($0))" } ?? ""
        return try await single(exchange(.GET, route.path + query))
    }

    func post<Result: Decodable>(_ route: ControlRoute, _ body: some Encodable) async throws(NodeError) -> Result {
        try await single(exchange(.POST, route.path, body: Data(Output.json(body).utf8)))
    }

    /// A call whose body is a file.
    func post<Result: Decodable>(
        _ route: ControlRoute,
        file: [UInt8],
        type: String
    ) async throws(NodeError) -> Result {
        try await single(exchange(.POST, route.path, body: Data(file), type: type))
    }

    /// A call whose answer is lines: `report` gets each progress, the result ends it.
    func stream<Result: Codable & Sendable>(
        _ route: ControlRoute,
        _ body: some Encodable,
        report: NodeControl.Report
    ) async throws(NodeError) -> Result {
        var outcome: Swift.Result<Result, NodeError>?
        var lines = LineSplitter(limit: Self.maximumAnswer)
        try await exchange(.POST, route.path, body: Data(Output.json(body).utf8)).run { (_, part) throws(NodeError) in
            for line in try lines.append(part) {
                guard let line = try? JSONDecoder().decode(ControlLine<Result>.self, from: Data(line)) else {
                    throw Self.strange
                }
                if let progress = line.progress { report(progress) }
                if let result = line.result { outcome = .success(result) }
                if let error = line.error { outcome = .failure(error) }
            }
        }
        if let outcome { return try outcome.get() }
        // A call that is refused before it starts is answered by one value that no line end follows.
        if let failure = try? JSONDecoder().decode(ControlFailure.self, from: Data(lines.rest)) { throw failure.error }
        throw Self.strange
    }

    private func single<Result: Decodable>(_ exchange: HTTPExchange) async throws(NodeError) -> Result {
        let (head, body) = try await exchange.collect(limit: Self.maximumAnswer)
        let data = Data(body)
        if head.status.code / 100 == 2, let result = try? JSONDecoder().decode(Result.self, from: data) {
            return result
        }
        if let failure = try? JSONDecoder().decode(ControlFailure.self, from: data) { throw failure.error }
        throw Self.strange
    }

    private func exchange(
        _ method: HTTPMethod,
        _ uri: String,
        body: Data? = nil,
        type: String = "application/json"
    ) -> HTTPExchange {
        var exchange = HTTPExchange(method, uri, at: endpoint, body: body, type: type)
        exchange.head.headers.add(name: "Authorization", value: "Bearer \(token)")
        return exchange
    }

    private static let strange = NodeError(
        .internal,
        "the node answered something that this version does not understand",
        remedy: "Stop it with `roost stop` and start it with this version of the program."
    )
}

/// Cuts bytes that come in parts into lines.
struct LineSplitter {
    let limit: Int
    /// What came behind the last line end.
    private(set) var rest: [UInt8] = []

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
