// SPDX-License-Identifier: Apache-2.0
internal import Wire

@testable internal import Gateway

/// Codes and sessions of the user interface against what they should be: each code opens one session, once and in time, and a call
/// needs both words of one session.
enum SessionsTrial {
    /// A code, its session, a call with it, the code again, a call later than it lasts; and many codes for one session.
    static let samples: [[UInt8]] = [
        [0, 1, 0, 3, 0, 0, 1, 0, 2, 0, 4, 200, 3, 0, 0, 2, 0],
        (0..<UInt8(10)).flatMap { _ in [0] } + (0..<UInt8(10)).flatMap { [1, $0] } + [4, 1, 3, 0, 1, 3, 2, 2],
    ]

    private struct Code {
        let text: String
        var expires: ContinuousClock.Instant
        var isSpent = false
    }

    private struct Open {
        let session: ControlSessions.Session
        var usedAt: ContinuousClock.Instant
    }

    /// Steps of one to three bytes: a code is asked for, one is shown, a session goes on, one calls, or time passes.
    static func run(_ bytes: [UInt8]) throws {
        var input = FuzzInput(bytes)
        var sessions = ControlSessions()
        var now = ContinuousClock.Instant.now
        var (codes, open): ([Code], [Open]) = ([], [])
        for step in 0..<40 where !input.isAtEnd {
            switch input.choice(5) {
            case 0:
                let text = sessions.codeRequested(random: [1, UInt8(step)], now: now)
                codes.append(Code(text: text, expires: now.advanced(by: ControlSessions.codeLifetime)))
            case 1:
                let number = input.choice(max(1, codes.count))
                let text = codes.indices.contains(number) ? codes[number].text : ""
                let secrets: ([UInt8], [UInt8]) = ([2, UInt8(step)], [3, UInt8(step)])
                guard let made = sessions.exchange(text, cookie: secrets.0, csrf: secrets.1, now: now) else { continue }
                try hold(!codes[number].isSpent && now < codes[number].expires, "a code opens one session, in time")
                codes[number].isSpent = true
                open.append(Open(session: made, usedAt: now))
            case 2: try resume(input.choice(max(1, open.count)), &open, &sessions, now)
            case 3:
                let (cookie, csrf) = (input.choice(max(1, open.count)), input.choice(max(1, open.count)))
                guard !open.isEmpty else { continue }
                let isAdmitted = sessions.admits(
                    cookie: open[cookie].session.cookie,
                    csrf: open[csrf].session.csrf,
                    now: now
                )
                try hold(
                    !isAdmitted
                        || (cookie == csrf && now < open[cookie].usedAt.advanced(by: ControlSessions.idleLifetime)),
                    "a call needs both words of one session that lasts"
                )
                if isAdmitted { open[cookie].usedAt = now }
            default: now = now.advanced(by: .seconds(Int(input.byte()) * 300))
            }
        }
        try bounds(codes, open, &sessions, now)
    }

    private static func resume(
        _ number: Int,
        _ open: inout [Open],
        _ sessions: inout ControlSessions,
        _ now: ContinuousClock.Instant
    ) throws {
        guard open.indices.contains(number) else { return }
        guard let found = sessions.resumed(cookie: open[number].session.cookie, now: now) else { return }
        try hold(
            found == open[number].session && now < open[number].usedAt.advanced(by: ControlSessions.idleLifetime),
            "a session goes on for its own cookie, as long as it lasts"
        )
        open[number].usedAt = now
    }

    private static func bounds(
        _ codes: [Code],
        _ open: [Open],
        _ sessions: inout ControlSessions,
        _ now: ContinuousClock.Instant
    ) throws {
        for stranger in ["", "0", Hex.encode([9])] {
            try hold(sessions.resumed(cookie: stranger, now: now) == nil, "nobody's cookie has no session")
            try hold(
                sessions.exchange(stranger, cookie: [], csrf: [], now: now) == nil,
                "nobody's code opens no session"
            )
        }
        var left = 0
        for entry in open where sessions.resumed(cookie: entry.session.cookie, now: now) != nil { left += 1 }
        try hold(left <= ControlSessions.mostSessions, "sessions are bounded")
        left = 0
        for code in codes where sessions.exchange(code.text, cookie: [], csrf: [], now: now) != nil { left += 1 }
        try hold(left <= ControlSessions.mostCodes, "codes are bounded")
    }
}
