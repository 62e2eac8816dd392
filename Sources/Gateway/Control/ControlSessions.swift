// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The user interfaces that are open: one-time codes waiting to be exchanged, and the sessions made from them.
///
/// Holds at most ``mostCodes`` codes and ``mostSessions`` sessions of about 200 bytes; the oldest goes first. Secrets are
/// 16 bytes of the caller's randomness each, compared in constant time.
struct ControlSessions: ~Copyable {
    static let codeLifetime: Duration = .seconds(60)
    /// Of no use: a browser that is closed at night starts again with `roost ui`.
    static let idleLifetime: Duration = .seconds(12 * 3600)
    static let mostCodes = 8
    static let mostSessions = 16

    struct Session: Equatable, Sendable {
        /// In the cookie, which no script can read.
        var cookie: String
        /// In the header that only the interface's own script sends.
        var csrf: String
    }

    private var codes: [(code: String, expires: ContinuousClock.Instant)] = []
    private var sessions: [(session: Session, usedAt: ContinuousClock.Instant)] = []

    /// A program asked for a code.
    mutating func codeRequested(random: [UInt8], now: ContinuousClock.Instant) -> String {
        codes.removeAll { $0.expires <= now }
        if codes.count >= Self.mostCodes { codes.removeFirst() }
        let code = Hex.encode(random)
        codes.append((code, now.advanced(by: Self.codeLifetime)))
        return code
    }

    /// A page came with `code`. Nil unless it is one of ours, in time, for the first time.
    mutating func exchange(
        _ code: String,
        cookie: [UInt8],
        csrf: [UInt8],
        now: ContinuousClock.Instant
    ) -> Session? {
        guard let index = codes.firstIndex(where: { Secret.equal($0.code, code) }) else { return nil }
        let entry = codes.remove(at: index)
        guard now < entry.expires else { return nil }
        if sessions.count >= Self.mostSessions { sessions.removeFirst() }
        let session = Session(cookie: Hex.encode(cookie), csrf: Hex.encode(csrf))
        sessions.append((session, now))
        return session
    }

    /// The session of a cookie, for the interface's page to start over after a reload.
    mutating func resumed(cookie: String, now: ContinuousClock.Instant) -> Session? {
        guard let index = index(ofCookie: cookie, now: now) else { return nil }
        sessions[index].usedAt = now
        return sessions[index].session
    }

    /// Whether a call with both secrets is the interface's. One with the cookie alone does not keep the session alive.
    mutating func admits(cookie: String, csrf: String, now: ContinuousClock.Instant) -> Bool {
        guard let index = index(ofCookie: cookie, now: now), Secret.equal(sessions[index].session.csrf, csrf) else {
            return false
        }
        sessions[index].usedAt = now
        return true
    }

    private mutating func index(ofCookie cookie: String, now: ContinuousClock.Instant) -> Int? {
        sessions.removeAll { $0.usedAt.advanced(by: Self.idleLifetime) <= now }
        return sessions.firstIndex { Secret.equal($0.session.cookie, cookie) }
    }
}
