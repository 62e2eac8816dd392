// SPDX-License-Identifier: Apache-2.0
internal import DequeModule
public import Wire

/// One web seed and what is under way to it (BEP 17, BEP 19): which ranges to ask for, what an answer means, when to come back.
///
/// ```
///            fetch             connected            206, 200
///   resting ───────▶ connecting ─────────▶ asking ───────────▶ receiving ──▶ next part, or resting
///      ▲                 │ failed             │ 3xx: connect where it leads, at most five times a part
///      │                 ▼                    │ 404, 403, 410, 416: the seed lacks the file
///      └───── waiting 5 s, 10 s, … 10 min ◀───┴ 429, 5xx, closed without a byte: Retry-After, or the time at the left
/// ```
/// The runs of pieces that it is asked for become parts: ranges of files, in order. Requests for the next parts go out before
/// the answer to the first has ended, once the server has shown that it keeps connections. A machine without I/O.
///
/// Bounds: the parts of what a session asks for at once (``WebSeedConnection/maximumRuns`` runs of 8 MiB, one part a file),
/// ``maximumMoved`` redirects that are remembered; an input gives at most ``pipeline`` actions and three more.
public struct WebSeed: ~Copyable {
    /// Requests on a connection without an answer.
    static let pipeline = 6
    static let maximumRedirects = 5
    static let maximumMoved = 1000
    /// Files that a seed may lack before it is given up.
    static let maximumMissing = 1000
    /// Tries of one part before the seed is left in peace.
    static let maximumTries = 3
    /// Bytes that make a try worth another.
    static let leastGain = 65_536
    static let pauses: ClosedRange<Duration> = .seconds(5) ... .seconds(600)
    static let longestRetryAfter = Duration.seconds(3600)
    /// Of a server that ignores ranges so much of a file is thrown away.
    static let maximumSkip: Int64 = 1 << 20

    enum Connection: Equatable {
        case none
        case connecting(ServiceURL)
        /// `sent`: requests for the first parts that are out; `isProven`: an answer has come over it.
        case open(ServiceURL, sent: Int, isProven: Bool)
    }

    enum Answer: Equatable {
        case none
        /// `hasRest`: the body goes on behind the part.
        case receiving(skip: Int64, hasRest: Bool)
        /// BEP 17: the body of a 503 says how long to wait.
        case busy([UInt8])
        /// Of a redirect or an error: of no use.
        case ignored
    }

    let layout: WebSeedLayout
    let kind: WebSeedKind
    var parts: Deque<WebSeedLayout.Part> = []
    var connection = Connection.none
    var answer = Answer.none
    var redirects = 0
    var tries = 0
    /// Bytes delivered since the last try began.
    var gain = 0
    var pausesInARow = 0
    var waitsUntil: Duration?
    /// Where files are that have moved.
    var moved: [Int: ServiceURL] = [:]
    var missingFiles: Set<Int> = []
    var isRetired = false
    /// It sends whole files whatever is asked for: one request at a time.
    var ignoresRanges = false
    var actions: [Action] = []

    /// `layout`: what the seed holds, and where; nothing happens before ``fetch(_:now:)``.
    public init(_ kind: WebSeedKind, layout: WebSeedLayout) {
        self.kind = kind
        self.layout = layout
    }

    // MARK: Commands

    /// Asks for pieces, behind those that it was asked for before.
    public mutating func fetch(_ pieces: Range<PieceIndex>, now: Duration) -> [Action] {
        guard !isRetired else { return [] }
        for var part in layout.parts(of: pieces) {
            if part.url != nil, let place = moved[part.file] { part.url = place }
            parts.append(part)
        }
        advance()
        return finish()
    }

    /// The time asked for has come.
    public mutating func wake(now: Duration) -> [Action] {
        guard let time = waitsUntil, time <= now, !isRetired else { return [] }
        waitsUntil = nil
        actions.append(.setReady(true))
        return finish()
    }

    // MARK: Events

    /// The connection asked for is open: requests go out.
    public mutating func connected(now: Duration) -> [Action] {
        guard case .connecting(let url) = connection else { return [] }
        connection = .open(url, sent: 0, isProven: false)
        advance()
        return finish()
    }

    /// The connection is gone, or could not be made. `isForbidden`: the address policy does not let us go there; `isSlow`: the
    /// server took too long.
    public mutating func closed(isForbidden: Bool = false, isSlow: Bool = false, now: Duration) -> [Action] {
        guard connection != .none, !isRetired else { return [] }
        connection = .none
        if isForbidden {
            retire(.forbidden)
            return finish()
        }
        if isSlow { tries = Self.maximumTries }
        tryAgain(now)
        return finish()
    }

    /// An answer begins.
    public mutating func began(
        status: Int,
        length: Int64?,
        range: (start: Int64, length: Int64)?,
        location: ServiceURL?,
        retryAfter: Int?,
        isPlain: Bool,
        now: Duration
    ) -> [Action] {
        guard case .open(let url, let sent, _) = connection, sent > 0, let part = parts.first, !isRetired else {
            return []
        }
        connection = .open(url, sent: sent, isProven: true)
        switch status {
        case 206 where kind == .files: beginRange(part, length, range, isPlain)
        case 200: beginWhole(part, length, isPlain)
        case 301, 302, 303, 307, 308: redirect(part, to: location)
        case 403, 404, 410, 416: lack(part)
        case 503 where kind == .pieces && retryAfter == nil: answer = .busy([])
        case 408, 429, 500...599: pause(retryAfter.map { .seconds($0) }, now)
        default: retire(.status(status))
        }
        return finish()
    }

    /// `count` bytes of the answer's body. `bytes`: the first of them, as far as the driver wants to show them.
    public mutating func received(_ count: Int, bytes: [UInt8], now: Duration) -> [Action] {
        guard !isRetired else { return [] }
        switch answer {
        case .receiving(let skip, let hasRest): take(count, skipping: skip, hasRest)
        case .busy(let before): answer = .busy(Array((before + bytes).prefix(16)))
        case .none, .ignored: break
        }
        return finish()
    }

    /// The answer is whole.
    public mutating func ended(now: Duration) -> [Action] {
        guard !isRetired else { return [] }
        switch answer {
        case .busy(let digits):
            let seconds = Int(String(decoding: digits, as: UTF8.self).prefix { $0.isASCII && $0.isNumber })
            pause(seconds.map { .seconds($0) }, now)
        case .receiving:
            // It ended too early, as a server does that is being stopped.
            actions.append(.disconnect)
            connection = .none
            tryAgain(now)
        case .ignored, .none:
            answer = .none
            if case .open(let url, let sent, let isProven) = connection {
                connection = .open(url, sent: max(0, sent - 1), isProven: isProven)
            }
            advance()
        }
        return finish()
    }

    // MARK: Asking

    /// Opens a connection for the first part, or sends what the open one can carry.
    mutating func advance() {
        deliverPadding()
        guard let first = parts.first?.url, waitsUntil == nil else { return }
        switch connection {
        case .none: connect(first)
        case .connecting: break
        case .open(let url, let sent, _):
            if sent == 0, answer == .none, !url.hasSameOrigin(as: first) {
                actions.append(.disconnect)
                connect(first)
            } else {
                pipelineMore()
            }
        }
    }

    mutating func connect(_ url: ServiceURL) {
        connection = .connecting(url)
        actions.append(.connect(url, isGiven: redirects == 0 && parts.first.map { moved[$0.file] == nil } ?? true))
    }

    mutating func pipelineMore() {
        guard case .open(let url, var sent, let isProven) = connection, waitsUntil == nil else { return }
        while sent < (isProven && !ignoresRanges ? Self.pipeline : 1), sent < parts.count, let target = parts[sent].url,
            target.hasSameOrigin(as: url)
        {
            let part = parts[sent]
            let isWhole = part.range.lowerBound == 0 && part.range.upperBound == part.fileLength
            actions.append(.request(target, range: kind == .pieces || isWhole ? nil : part.range))
            sent += 1
        }
        connection = .open(url, sent: sent, isProven: isProven)
    }

    mutating func deliverPadding() {
        while let part = parts.first, part.url == nil {
            actions.append(.zeros(Int(part.length)))
            parts.removeFirst()
        }
    }

    // MARK: Ending

    /// The connection is gone: the rest of the first part is asked for over another, a few times.
    mutating func tryAgain(_ now: Duration) {
        answer = .none
        guard let first = parts.first else { return }
        parts[0] = layout.rest(of: first)
        // A server that cuts its answers short is asked on as long as each brings something.
        tries = gain >= Self.leastGain && tries < Self.maximumTries ? 0 : tries + 1
        gain = 0
        if tries >= Self.maximumTries { pause(nil, now) } else { advance() }
    }

    /// Nothing of what was asked for comes; the connection, with answers on their way, is of no use.
    mutating func giveUp(lacks: Range<PieceIndex>? = nil) {
        parts = []
        tries = 0
        redirects = 0
        answer = .none
        if connection != .none { actions.append(.disconnect) }
        connection = .none
        actions.append(.fail(lacks: lacks))
    }

    mutating func pause(_ wanted: Duration?, _ now: Duration) {
        let doubled = min(Self.pauses.lowerBound * (1 << min(pausesInARow, 8)), Self.pauses.upperBound)
        let time = wanted.map { min(max($0, .seconds(1)), Self.longestRetryAfter) } ?? doubled
        pausesInARow += 1
        waitsUntil = now + time
        actions.append(.setReady(false))
        giveUp()
        actions.append(.wake(at: now + time))
    }

    mutating func retire(_ reason: Retirement) {
        isRetired = true
        giveUp()
        actions.append(.retire(reason))
    }

    mutating func finish() -> [Action] {
        defer { actions = [] }
        return actions
    }
}
