// SPDX-License-Identifier: Apache-2.0
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Node
internal import Synchronization

/// One admitted call of the API.
struct ControlCall: Sendable {
    let responder: ControlResponder
    let request: Request
    let client: Client
    let route: ControlRoute
    let query: String?

    private var node: any NodeControl { responder.node }

    func answer() async -> Response {
        do {
            if route.streams { return try stream(try await collect(request.body)) }
            guard route.isPost else { return ControlAnswer.json(try await read()) }
            let body = try await collect(request.body)
            // Whoever leaves ends what was begun for it.
            return ControlAnswer.json(try await client.whilePresent { try await change(body) })
        } catch let error as NodeError {
            return ControlAnswer.failure(error)
        } catch {
            let fault = NodeError(.internal, "the call did not end", remedy: "Report it with the log.")
            return ControlAnswer.failure(fault)
        }
    }

    @concurrent
    private func collect(_ body: RequestBody) async throws -> [UInt8] {
        do {
            return Array(try await body.collect(upTo: route.longestBody).readableBytesView)
        } catch let error as CancellationError {
            throw error
        } catch {
            throw NodeError(.usage, "the body is too long", remedy: "Send at most \(route.longestBody >> 10) KiB.")
        }
    }

    // MARK: - GET

    private func read() async throws(NodeError) -> [UInt8] {
        switch route {
        case .status: try ControlAnswer.encode(await status())
        case .sites: try ControlAnswer.encode(try await node.sites())
        case .site: try ControlAnswer.encode(try await node.site(try argument))
        case .releases: try ControlAnswer.encode(try await node.releases(of: try argument))
        case .identities: try ControlAnswer.encode(try await node.identities())
        case .denyRules: try ControlAnswer.encode(try await node.denyRules())
        case .denial: try ControlAnswer.encode(["rule": try await node.denial(of: try argument)])
        case .peers: try ControlAnswer.encode(await node.peers())
        case .members: try ControlAnswer.encode(await node.members())
        case .dhtTable: try ControlAnswer.encode(await node.dhtTable())
        case .configuration: try ControlAnswer.encode(await node.configuration())
        default: throw Self.unanswered(route)
        }
    }

    /// The node knows nothing of the servers above it.
    private func status() async -> NodeStatus {
        var status = await node.status()
        status.queues = (status.queues ?? []) + responder.load.queues
        return status
    }

    private var argument: String {
        get throws(NodeError) {
            if let argument = Self.argument(in: query ?? "") { return argument }
            throw NodeError(
                .usage,
                "'\(route.rawValue)' needs an argument",
                remedy: "Add ?\(ControlRoute.argument)=… to the address."
            )
        }
    }

    /// The query item that carries the one argument; nil where none of the first 16 items does.
    static func argument(in query: String) -> String? {
        for pair in query.split(separator: "&").prefix(16) {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.count == 2, halves[0] == ControlRoute.argument else { continue }
            if let value = FormText.decode(halves[1]), !value.isEmpty { return value }
        }
        return nil
    }

    // MARK: - POST

    @concurrent
    private func change(_ body: [UInt8]) async throws(NodeError) -> [UInt8] {
        switch route {
        case .stop:
            await node.stop()
            return try Self.done
        case .open: return try ControlAnswer.encode(try await node.open(try text(body)))
        case .learn: return try ControlAnswer.encode(ControlArgument(try await node.learn(torrent: body)))
        case .siteHolders: return try ControlAnswer.encode(try await node.siteWithHolders(try text(body)))
        case .changeSite:
            let wanted = try ControlAnswer.decode(SiteChangeRequest.self, from: body)
            return try ControlAnswer.encode(try await node.change(wanted.address, wanted.change))
        case .newIdentity: return try ControlAnswer.encode(try await node.newIdentity(name: try text(body)))
        case .addDenyRule:
            try await node.deny(try ControlAnswer.decode(DenyRule.self, from: body))
            return try Self.done
        case .removeDenyRule:
            try await node.allow(try ControlAnswer.decode(DenyRule.self, from: body))
            return try Self.done
        case .setConfiguration:
            let wanted = try ControlAnswer.decode(ConfigurationChange.self, from: body)
            try await node.setConfiguration(wanted.key, to: wanted.value)
            return try Self.done
        case .code:
            let code = responder.memory.sessions.withLock { $0.codeRequested(random: Secret.random(), now: .now) }
            return try ControlAnswer.encode(["code": code])
        default: return try await lookIntoDHT(body)
        }
    }

    private func lookIntoDHT(_ body: [UInt8]) async throws(NodeError) -> [UInt8] {
        switch route {
        case .dhtFind: try ControlAnswer.encode(try await node.dhtFind(try text(body)))
        case .dhtGet:
            try ControlAnswer.encode(try await node.dhtGet(try ControlAnswer.decode(DHTItemQuery.self, from: body)))
        case .dhtPut:
            try ControlAnswer.encode(try await node.dhtPut(try ControlAnswer.decode(DHTPutRequest.self, from: body)))
        default: throw Self.unanswered(route)
        }
    }

    private func text(_ body: [UInt8]) throws(NodeError) -> String {
        try ControlAnswer.decode(ControlArgument.self, from: body).value
    }

    // MARK: - Streams

    private func stream(_ body: [UInt8]) throws(NodeError) -> Response {
        let node = node
        switch route {
        case .publish:
            let wanted = try ControlAnswer.decode(PublishRequest.self, from: body)
            return ControlStream(client: client) { report throws(NodeError) in
                try await node.publish(wanted, report: report)
            }
            .response()
        case .fetch:
            let wanted = try ControlAnswer.decode(FetchRequest.self, from: body)
            return ControlStream(client: client) { report throws(NodeError) in
                try await node.fetch(wanted, report: report)
            }
            .response()
        case .why:
            let wanted = try text(body)
            return ControlStream(client: client) { report throws(NodeError) in
                try await node.why(wanted, report: report)
            }.response()
        case .doctor:
            let wanted = try ControlAnswer.decode(DoctorRequest.self, from: body)
            return ControlStream(client: client) { report throws(NodeError) in
                try await node.doctor(repair: wanted.repair, report: report)
            }.response()
        default: throw Self.unanswered(route)
        }
    }

    private static var done: [UInt8] {
        get throws(NodeError) { try ControlAnswer.encode(ControlDone()) }
    }

    private static func unanswered(_ route: ControlRoute) -> NodeError {
        NodeError(.internal, "'\(route.rawValue)' has no answer", remedy: "Report it with the log.")
    }
}
