// SPDX-License-Identifier: Apache-2.0
internal import HTTPTypes
internal import Synchronization
internal import Wire

@testable internal import Gateway

/// What comes over a connection to the control server. The token, one session and one code are known to the input, as to whoever
/// can make a browser carry them: what else a request shows must decide.
struct ControlTrial {
    private typealias Exchange = GatewayExchange<ControlResponder>.Exchange

    static let token = "0123456789abcdef"
    static let cookie = Hex.encode([UInt8](repeating: 0x11, count: 16))
    static let csrf = Hex.encode([UInt8](repeating: 0x22, count: 16))
    static let code = Hex.encode([UInt8](repeating: 0x33, count: 16))
    static let own = "http://roost.localhost:8421"

    private let exchange: Exchange
    private let sender: RequestFields
    private let isLoopback: Bool

    /// With one open session and one code that waits.
    static func responder(_ node: SeenNode) -> ControlResponder {
        let responder = ControlResponder(
            configuration: GatewayConfiguration(),
            node: node,
            token: token,
            load: GatewayLoad(),
            listening: ListeningPort()
        )
        responder.memory.sessions.withLock { sessions in
            let first = sessions.codeRequested(random: [0], now: .now)
            _ = sessions.exchange(
                first,
                cookie: [UInt8](repeating: 0x11, count: 16),
                csrf: [UInt8](repeating: 0x22, count: 16),
                now: .now
            )
            _ = sessions.codeRequested(random: [UInt8](repeating: 0x33, count: 16), now: .now)
        }
        return responder
    }

    /// Behind a byte of choices: the other end is elsewhere, the bytes come in portions.
    @discardableResult
    static func run(_ bytes: [UInt8]) throws -> [(status: Int, calls: [String])] {
        let choice = Int(bytes.first ?? 0)
        let node = SeenNode()
        var seen: [(status: Int, calls: [String])] = []
        let server = GatewayExchange(
            responder: responder(node),
            policy: ControlPolicy.apply,
            isLoopback: choice & 2 == 0
        )
        try server.run(Array(bytes.dropFirst()), portion: choice < 4 ? max(1, bytes.count) : choice >> 2) { exchange in
            let trial = ControlTrial(
                exchange: exchange,
                sender: RequestFields(exchange.request),
                isLoopback: choice & 2 == 0
            )
            try trial.checkAnswer()
            let calls = node.calls()
            if !calls.isEmpty { try trial.checkCaller(calls) }
            if trial.opensSession { try trial.checkSession() }
            seen.append((exchange.status, calls))
        }
        return seen
    }

    private func checkAnswer() throws {
        let fields = exchange.answer.fields
        try hold(
            fields["content-security-policy"] == ControlPolicy.contentSecurity && fields["cache-control"] == "no-store"
                && fields["cross-origin-resource-policy"] == "same-origin"
                && fields["x-content-type-options"] == "nosniff"
                && fields["referrer-policy"] == "no-referrer" && fields["cross-origin-opener-policy"] == "same-origin",
            "no answer is framed, kept or read by others"
        )
        try hold(fields["location"] == nil, "nobody is sent anywhere")
        guard exchange.status < 400 else { return }
        try hold(isLoopback && !sender.wantsUpgrade, "only this computer is served, and no upgrade")
        try hold(door != nil, "a name that is not ours is served nothing: \(exchange.request.authority ?? "")")
        try hold(!sender.isForeign(to: Self.own), "another origin's page gets nothing")
        try hold(
            !sender.hasMetadata || ["", "same-origin", "none"].contains(sender.site) || sender.fillsWindow,
            "another origin's page gets nothing"
        )
    }

    private enum Door { case name, address }

    private var door: Door? {
        guard sender["Host"].isEmpty else { return nil }
        return switch (exchange.request.authority ?? "").lowercased() {
        case "roost.localhost:8421": .name
        case "127.0.0.1:8421": .address
        default: nil
        }
    }

    /// Somebody reached the node: a program with the token, or the interface's own script with both secrets of its session.
    private func checkCaller(_ calls: [String]) throws {
        try hold(calls.count == 1, "a request is one call: \(calls)")
        try hold(isLoopback && door != nil && !sender.wantsUpgrade, "only this computer calls, by our name")
        try hold(!sender.isForeign(to: Self.own), "no other origin's page calls")
        try hold(!sender.hasMetadata || sender.site == "same-origin", "no other origin's page calls")
        try hold(
            door == .name || (!sender.hasMetadata && sender["Origin"].isEmpty),
            "no page calls by the address"
        )
        let isProgram = sender["Authorization"] == ["Bearer " + Self.token]
        let isInterface =
            door == .name && sender["X-Roost-CSRF"] == [Self.csrf]
            && sender["Cookie"].contains { $0.contains("roost-session=" + Self.cookie) }
        try hold(isProgram || isInterface, "whoever calls shows the token, or the cookie and the word of a session")
        let asks = [
            "status", "sites", "site ", "releases", "identities", "rules", "denial", "peers", "members", "table",
        ]
        let isAsking = (asks + ["configuration"]).contains { calls[0].hasPrefix($0) }
        try hold(exchange.request.method == (isAsking ? .get : .post), "a GET changes nothing: \(calls)")
    }

    /// The answer has the word of a session.
    private var opensSession: Bool { exchange.answer.body.text.contains("\"csrf\"") && exchange.status == 200 }

    private func checkSession() throws {
        try hold(
            door == .name && sender["Origin"] == [Self.own] && exchange.request.method == .post,
            "only our own page opens a session"
        )
        let isNew = exchange.answer.fields["set-cookie"] != nil
        try hold(
            isNew
                ? exchange.body.text.contains("code")
                : sender["Cookie"].contains { $0.contains("roost-session=" + Self.cookie) },
            "a session is opened with a code, and goes on with its cookie"
        )
        let parts = exchange.answer.fields["set-cookie"]?.split(separator: ";").dropFirst().joined(separator: ";")
        try hold(!isNew || parts == " Path=/; HttpOnly; SameSite=Strict", "no script and no other host has the cookie")
    }
}
