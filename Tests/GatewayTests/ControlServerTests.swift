// SPDX-License-Identifier: Apache-2.0
import Foundation
import NIOHTTP1
import Node
import ServiceLifecycle
import Synchronization
import Testing

@testable import Gateway

@Suite struct ControlServerTests {
    @Test("A program with the token is answered, under the name and under the literal address")
    func program() async throws {
        try await ControlHarness.run(ControlDouble()) { (control: ControlHarness) async throws in
            for host in [control.name, control.address] {
                let answer = try await control.send("/api/v1/status", host: host)
                #expect(answer.status == 200)
                let status = try JSONDecoder().decode(NodeStatus.self, from: Data(answer.body))
                #expect(status.peerID == "12D3")
            }
        }
    }

    @Test("Without the token, or with another, nothing is told or done")
    func token() async throws {
        let node = ControlDouble()
        try await ControlHarness.run(node) { (control: ControlHarness) async throws in
            let wrong = [
                [:], ["Authorization": "Bearer"], ["Authorization": "Bearer 0123456789abcdee"],
                ["Authorization": "Basic 0123456789abcdef"], ["Authorization": "Bearer 0123456789abcdef0"],
                ["Cookie": "roost-session=00", "X-Roost-CSRF": "00"],
            ]
            for headers in wrong {
                #expect(try await control.send("/api/v1/status", headers).status == 403)
                #expect(try await control.send("/api/v1/stop", .POST, headers, body: "{}").status == 403)
            }
        }
        #expect(node.calls.isEmpty)
    }

    @Test("Any other host name is refused, so a name made to point here (DNS rebinding) reaches nothing")
    func host() async throws {
        try await ControlHarness.run(ControlDouble()) { (control: ControlHarness) async throws in
            let names = [
                "evil.example", "evil.example:\(control.port)", "localhost:\(control.port)", "roost.localhost",
                "roost.localhost:1", "x.roost.localhost:\(control.port)", "roost.localhost.:\(control.port)",
                "roost.localhost:\(control.port).evil.example", "127.0.0.1", "", "[::1]:\(control.port)",
            ]
            for name in names {
                for path in ["/", "/api/v1/status"] {
                    #expect(try await control.send(path, host: name).status == 421)
                }
            }
            let twice = ControlHarness.bearer.merging(["Host": "evil.example"]) { $1 }
            #expect(try await control.send("/api/v1/status", twice).status == 421)
        }
    }

    @Test("Pages of other origins cannot call, even where a program's token leaked to them")
    func crossSite() async throws {
        let node = ControlDouble()
        try await ControlHarness.run(node) { (control: ControlHarness) async throws in
            let senders = [
                ["Origin": "http://evil.example"], ["Origin": "null"], ["Sec-Fetch-Site": "cross-site"],
                ["Sec-Fetch-Site": "same-site"], ["Sec-Fetch-Site": "none"],
                ["Origin": control.ownOrigin + "0"], ["Sec-Fetch-Mode": "no-cors"],
            ]
            for sender in senders {
                let headers = ControlHarness.bearer.merging(sender) { $1 }
                #expect(try await control.send("/api/v1/status", headers).status == 403)
                #expect(try await control.send("/api/v1/stop", .POST, headers, body: "{}").status == 403)
            }
            let viaAddress = ControlHarness.bearer.merging(control.script) { $1 }
            #expect(try await control.send("/api/v1/status", host: control.address, viaAddress).status == 403)
        }
        #expect(node.calls.isEmpty)
    }

    @Test("A GET changes nothing: what changes is a POST")
    func methods() async throws {
        let node = ControlDouble()
        try await ControlHarness.run(node) { (control: ControlHarness) async throws in
            for route in ControlRoute.allCases {
                let other: HTTPMethod = route.isPost ? .GET : .POST
                #expect(try await control.send(route.path, other, body: "{}").status == 405)
                #expect(try await control.send(route.path, .PUT, body: "{}").status == 405)
            }
        }
        #expect(node.calls.isEmpty)
    }

    @Test("Every route has an answer", arguments: ControlRoute.allCases)
    func routes(route: ControlRoute) async throws {
        let bodies: [ControlRoute: String] = [
            .stop: #"{"done":true}"#, .code: #"{"done":true}"#, .doctor: #"{"repair":false}"#,
            .publish: #"{"directory":"/site","new":true}"#,
            .fetch: #"{"link":"betanet://00","peers":[],"trace":false}"#,
            .learn: "d4:infod4:name1:aee",
            .changeSite: #"{"address":"x","change":{"withdraw":{"sequence":2}}}"#,
            .addDenyRule: #"{"list":"local","subject":"site","value":"00","reason":"r"}"#,
            .removeDenyRule: #"{"list":"local","subject":"site","value":"00","reason":"r"}"#,
            .dhtGet: "{}", .dhtPut: #"{"value":"00"}"#, .setConfiguration: #"{"key":"serve","value":"own"}"#,
        ]
        try await ControlHarness.run(ControlDouble()) { (control: ControlHarness) async throws in
            let answer: ControlHarness.Answer
            if route.isPost {
                answer = try await control.send(route.path, .POST, body: bodies[route] ?? #"{"value":"a b"}"#)
            } else {
                answer = try await control.send(route.path + "?value=a%20b")
            }
            #expect(![500, 405].contains(answer.status))
            #expect(answer.status == 200 || answer.text.contains("\"kind\""))
            if route.isPost, route != .stop, route != .code {
                #expect(try await control.send(route.path, .POST, body: "[1").status == 400)
                let long = String(repeating: " ", count: route.longestBody + 1)
                #expect(try await control.send(route.path, .POST, body: long).status == 400)
            }
        }
    }

    @Test("Errors carry kind, message and remedy, and the status of their kind")
    func errors() async throws {
        try await ControlHarness.run(ControlDouble()) { (control: ControlHarness) async throws in
            let answer = try await control.send("/api/v1/site?value=a+b%2F")
            #expect(answer.status == 404)
            #expect(answer.text == #"{"error":{"kind":"notFound","message":"no such site","remedy":"Open it."}}"#)
            let change = #"{"address":"x","change":{"pin":{}}}"#
            #expect(try await control.send("/api/v1/site/change", .POST, body: change).status == 451)
            #expect(try await control.send("/api/v1/site").status == 400)
            #expect(try await control.send("/api/v1/nothing").status == 404)
            #expect(try await control.send("/api/v1/status/").status == 404)
            #expect(try await control.send("/nothing", [:]).status == 404)
        }
    }

    @Test("A long call answers lines: its progress, then its result or its error")
    func lines() async throws {
        try await ControlHarness.run(ControlDouble()) { (control: ControlHarness) async throws in
            let good = try await control.send("/api/v1/publish", .POST, body: #"{"directory":"/site","new":true}"#)
            #expect(good["Content-Type"] == "application/x-ndjson")
            let lines = try good.lines(of: PublishResult.self)
            #expect(lines.count == 2)
            #expect(lines.first?.progress == NodeProgress(stage: "hashing", done: 10, total: 100))
            #expect(lines.last?.result?.files == 2)
            let bad = try await control.send("/api/v1/publish", .POST, body: #"{"directory":"site","new":true}"#)
            #expect(try bad.lines(of: PublishResult.self).last?.error?.kind == .noInput)
        }
    }

    @Test("why answers each stage as it begins and as it ends, then all of them")
    func stages() async throws {
        try await ControlHarness.run(ControlDouble()) { (control: ControlHarness) async throws in
            let answer = try await control.send("/api/v1/why", .POST, body: #"{"value":"x"}"#)
            #expect(answer["Content-Type"] == "application/x-ndjson")
            let lines = try answer.lines(of: WhyReport.self)
            #expect(lines.map { $0.progress?.stage } == ["name", "name", nil])
            #expect(lines.map { $0.progress?.done } == [0, 1, nil])
            #expect(lines[1].progress?.passed == lines.last?.result?.stages.first)
            #expect(lines[0].progress?.passed == nil && lines[1].progress?.passed != nil)
        }
    }

    @Test("status shows the servers' connections and their bound beside the node's own queues")
    func queues() async throws {
        try await ControlHarness.run(ControlDouble()) { (control: ControlHarness) async throws in
            let answer = try await control.send("/api/v1/status")
            let status = try JSONDecoder().decode(NodeStatus.self, from: Data(answer.text.utf8))
            let own = status.queues?.first { $0.name == "control connections" }
            #expect(own?.bound == 512 && (own?.used ?? 0) >= 1)
            #expect(status.queues?.contains { $0.name == "gateway connections" } == true)
        }
    }

    @Test("A caller that leaves cancels its call", arguments: ["publish", "open"])
    func leaves(route: String) async throws {
        let node = ControlDouble()
        node.state.withLock { $0.hangs = true }
        try await ControlHarness.run(node) { (control: ControlHarness) async throws in
            let body = route == "open" ? #"{"value":"x"}"# : #"{"directory":"/site","new":true}"#
            try await GatewayClient.with(port: control.port) { client in
                client.start(
                    .init(
                        method: .POST,
                        target: "/api/v1/" + route,
                        host: control.name,
                        headers: ControlHarness.bearer,
                        body: body
                    )
                )
                while node.calls.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
            }
            while node.cancelled == 0 { try await Task.sleep(for: .milliseconds(5)) }
        }
        #expect(node.cancelled == 1)
    }

    @Test("A busy port is exit 75 and names the process that holds it")
    func busy() async throws {
        try await ControlHarness.run(ControlDouble()) { (control: ControlHarness) async throws in
            var configuration = GatewayConfiguration()
            configuration.control.port = control.port
            let second = ControlServer(
                configuration,
                node: ControlDouble(),
                token: "t",
                logger: ContentHarness.quiet
            )
            let error = await #expect(throws: NodeError.self) { try await second.run() }
            #expect(error?.kind == .busy)
            let process = ProcessInfo.processInfo.processIdentifier
            #expect(error?.message.contains("(process \(process))") == true, "\(error?.message ?? "")")
            await #expect(throws: NodeError.self) { try await second.port.value() }
        }
    }

    @Test("A stop ends in bounded time though a call hangs")
    func stop() async throws {
        let node = ControlDouble()
        node.state.withLock { $0.hangs = true }
        try await ControlHarness.run(node) { (control: ControlHarness) async throws in
            control.client.start(
                .init(
                    method: .POST,
                    target: "/api/v1/open",
                    host: control.name,
                    headers: ControlHarness.bearer,
                    body: #"{"value":"x"}"#
                )
            )
            while node.calls.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        }
        #expect(node.cancelled == 1)
    }
}

extension ContentHarness.Answer {
    func lines<Result: Codable>(of type: Result.Type) throws -> [ControlLine<Result>] {
        try body.split(separator: UInt8(ascii: "\n")).map {
            try JSONDecoder().decode(ControlLine<Result>.self, from: Data($0))
        }
    }
}
