// SPDX-License-Identifier: Apache-2.0
import Foundation
import NIOHTTP1
import Synchronization
import Testing

@testable import Gateway

@Suite struct HomePageTests {
    @Test("The page has no inline script, style or handler, as its policy demands")
    func strict() async throws {
        try await ControlHarness.run(ControlDouble()) { (control: ControlHarness) async throws in
            let page = try await control.send("/", ContentHarness.typed)
            #expect(page.status == 200)
            #expect(!page.text.contains("style="))
            #expect(page.text.firstMatch(of: /\son[a-z]+=/) == nil)
            #expect(page.text.firstMatch(of: /<script(?![^>]*src=)/) == nil)
            let script = try await control.send("/home.js", [:])
            #expect(!script.text.contains("innerHTML") && !script.text.contains("eval("))
            #expect(try await control.send("/home.css", [:])["Content-Type"] == "text/css; charset=utf-8")
        }
    }

    @Test("The page may be reached by a link, never as a part of another page")
    func framing() async throws {
        try await ControlHarness.run(ControlDouble()) { (control: ControlHarness) async throws in
            #expect(try await control.send("/", ContentHarness.link).status == 200)
            #expect(try await control.send("/home.js", ContentHarness.foreignPart).status == 403)
            let frame = ["Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"]
            let answer = try await control.send("/", frame)
            #expect(answer.status == 403)
            #expect(answer["Content-Security-Policy"]?.contains("frame-ancestors 'none'") == true)
            #expect(try await control.send("/", host: control.address, [:]).status == 403)
        }
    }

    @Test("A code opens one session, once; its cookie is host-only, HttpOnly and SameSite=Strict")
    func session() async throws {
        try await ControlHarness.run(ControlDouble()) { (control: ControlHarness) async throws in
            let code = try await control.code()
            let opened = try await control.send("/api/v1/session", .POST, control.script, body: #"{"code":"\#(code)"}"#)
            #expect(opened.status == 200)
            let cookie = try #require(opened["Set-Cookie"])
            #expect(cookie.hasSuffix("; Path=/; HttpOnly; SameSite=Strict"))
            #expect(!cookie.lowercased().contains("domain"))
            let again = try await control.send("/api/v1/session", .POST, control.script, body: #"{"code":"\#(code)"}"#)
            #expect(again.status == 403)

            let secrets = try JSONDecoder().decode([String: String].self, from: Data(opened.body))
            var call = control.script
            call["Cookie"] = String(cookie.prefix { $0 != ";" })
            #expect(try await control.send("/api/v1/status", call).status == 403)
            call["X-Roost-CSRF"] = secrets["csrf"]
            #expect(try await control.send("/api/v1/status", call).status == 200)
            #expect(try await control.send("/api/v1/ui/code", .POST, call, body: "{}").status == 403)

            let resumed = try await control.send("/api/v1/session", .POST, call, body: "{}")
            #expect(resumed.text == opened.text)
            #expect(resumed["Set-Cookie"] == nil)

            call["Origin"] = "http://evil.example"
            #expect(try await control.send("/api/v1/status", call).status == 403)
            #expect(try await control.send("/api/v1/session", .POST, call, body: "{}").status == 403)
        }
    }

    @Test("A session needs the page's own origin, not only its code")
    func sessionOrigin() async throws {
        try await ControlHarness.run(ControlDouble()) { (control: ControlHarness) async throws in
            let body = #"{"code":"\#(try await control.code())"}"#
            #expect(try await control.send("/api/v1/session", .POST, [:], body: body).status == 403)
            #expect(
                try await control.send("/api/v1/session", .POST, host: control.address, [:], body: body).status == 403
            )
            #expect(try await control.send("/api/v1/session", control.script).status == 405)
            #expect(try await control.send("/api/v1/session", .POST, control.script, body: body).status == 200)
        }
    }

    @Test("A code is good for 60 s, and a session ends after half a day of silence")
    func lifetimes() {
        let sessions = Mutex(ControlSessions())
        let start = ContinuousClock.now
        let late = sessions.withLock { $0.codeRequested(random: [1], now: start) }
        #expect(sessions.withLock { $0.exchange(late, cookie: [2], csrf: [3], now: start + .seconds(60)) } == nil)
        let code = sessions.withLock { $0.codeRequested(random: [1], now: start) }
        #expect(sessions.withLock { $0.exchange("02", cookie: [2], csrf: [3], now: start) } == nil)
        let session = sessions.withLock { $0.exchange(code, cookie: [2], csrf: [3], now: start + .seconds(59)) }
        #expect(session == ControlSessions.Session(cookie: "02", csrf: "03"))
        #expect(sessions.withLock { $0.admits(cookie: "02", csrf: "03", now: start + .seconds(12 * 3600)) })
        #expect(!sessions.withLock { $0.admits(cookie: "02", csrf: "04", now: start + .seconds(12 * 3600)) })
        #expect(!sessions.withLock { $0.admits(cookie: "02", csrf: "03", now: start + .seconds(25 * 3600)) })
    }

    @Test("A call without a session's word is no sign of life of its page")
    func wrongWord() {
        let sessions = Mutex(ControlSessions())
        let start = ContinuousClock.now
        let code = sessions.withLock { $0.codeRequested(random: [1], now: start) }
        _ = sessions.withLock { $0.exchange(code, cookie: [2], csrf: [3], now: start) }
        #expect(!sessions.withLock { $0.admits(cookie: "02", csrf: "04", now: start + .seconds(11 * 3600)) })
        #expect(!sessions.withLock { $0.admits(cookie: "02", csrf: "03", now: start + .seconds(13 * 3600)) })
    }

    @Test("Codes and sessions are bounded: the oldest goes")
    func bounds() {
        let sessions = Mutex(ControlSessions())
        let now = ContinuousClock.now
        let codes = (0..<9).map { index in sessions.withLock { $0.codeRequested(random: [UInt8(index)], now: now) } }
        #expect(sessions.withLock { $0.exchange(codes[0], cookie: [0], csrf: [0], now: now) } == nil)
        for index in 0..<17 {
            let code = sessions.withLock { $0.codeRequested(random: [UInt8(index), 1], now: now) }
            _ = sessions.withLock { $0.exchange(code, cookie: [UInt8(index)], csrf: [0], now: now) }
        }
        #expect(sessions.withLock { $0.resumed(cookie: "00", now: now) } == nil)
        #expect(sessions.withLock { $0.resumed(cookie: "01", now: now) } != nil)
    }
}

extension ControlHarness {
    func code() async throws -> String {
        let answer = try await send("/api/v1/ui/code", .POST, body: "{}")
        return try #require(try JSONDecoder().decode([String: String].self, from: Data(answer.body))["code"])
    }
}
