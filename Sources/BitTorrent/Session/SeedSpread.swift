// SPDX-License-Identifier: Apache-2.0
internal import DequeModule
internal import Wire

/// What a seed that is alone gave to whom first, while many fetch: a piece leaves its line once before anything leaves it twice.
///
/// Each fetcher is offered pieces of its own (BEP 6 "suggest piece") before it may ask, and a fresh one for each that it has
/// asked for. A request for what another was given waits while the line is busy, or others have just become complete, so that
/// those may answer it: after a quarter of a second a little of it is served, then twice as much, so who has nobody else is
/// slowed for about a second.
///
/// Lines that are seen to take half a gigabit a second are not spared: there waiting would cost more than sending twice.
///
/// Nothing is hidden and nothing refused: what a reader asks for first comes first, and other programs need not know of it.
/// Memory: 5 bytes a piece, and 8 for each that was offered of late.
struct SeedSpread {
    /// With fewer fetchers everything is as without it.
    static let leastAudience = 3
    /// What a peer is offered ahead of what it has asked for, in bytes and in pieces.
    static let offeredBytes = 1 << 19
    static let maximumOffers = 16
    /// Bytes that a peer gets at once of what others were given.
    static let firstGrace = 1 << 16
    static let largestGrace = 1 << 24
    static let pause = Duration.milliseconds(250)
    /// How long a peer that became complete is counted on, gone from us or not.
    static let memory = Duration.seconds(60)
    static let maximumCompleted = 64
    /// With fewer offers none are looked for that were taken up.
    private static let fewOffers = 64
    /// A line that took as much in a tenth of a second, by the second, is not to be spared.
    static let fastLine = 64 << 20
    static let window = Duration.milliseconds(100)

    /// Who was offered or given the piece.
    private var keepers: [ConnectionID]
    /// Pieces that somebody asked for.
    private var given: Bitfield
    private var cursor: Int
    /// Pieces that nobody was offered or given.
    private var untouched: Int
    /// What was offered, the longest ago first; some of it may have been given since.
    private var offers: Deque<Int> = []
    private var offersToSweep = SeedSpread.fewOffers
    /// It holds at present; what was given is remembered all the same.
    var isActive = false
    /// When peers became complete, the last ones.
    private var completed: [Duration] = []
    /// The most that the network took in a ``window``, bytes a second; nil while that is not known.
    private var peakRate: Int?
    private var windowStart: Duration?
    private var windowBytes = 0
    /// When some of what waits is served all the same.
    var releaseAt: Duration?

    init(pieceCount: Int, start: Int) {
        keepers = Array(repeating: .none, count: pieceCount)
        given = Bitfield(count: pieceCount)
        cursor = pieceCount == 0 ? 0 : start % pieceCount
        untouched = pieceCount
    }

    /// The network took bytes from us.
    mutating func took(_ bytes: Int, now: Duration) {
        guard let start = windowStart else {
            windowStart = now
            return
        }
        windowBytes += bytes
        guard now - start >= Self.window else { return }
        peakRate = max(peakRate ?? 0, windowBytes * 1000 / max(1, (now - start).wholeMilliseconds))
        windowStart = now
        windowBytes = 0
    }

    /// The line has been seen to be one that is worth sparing.
    var isLineSlow: Bool { peakRate.map { $0 < Self.fastLine } ?? false }

    /// Peers that had everything not long ago.
    func othersComplete(_ now: Duration) -> Int { completed.count { now - $0 < Self.memory } }

    /// Whether somebody else has the piece, or will.
    func isWithAnother(_ piece: Int, than connection: ConnectionID) -> Bool {
        given[piece] && keepers[piece] != connection
    }

    /// A peer asks for the piece, or says that it has it: the first who does keeps it.
    mutating func give(_ piece: Int, to connection: ConnectionID) {
        guard !given[piece] else { return }
        if keepers[piece] == .none { untouched -= 1 }
        given[piece] = true
        keepers[piece] = connection
    }

    /// A piece for the peer alone: one that nobody was offered, else the one that was offered longest ago and that nobody has
    /// asked for. Looks at each piece of the torrent once, then only at what was offered.
    mutating func offer(to connection: ConnectionID, where isLacking: (Int) -> Bool) -> Int? {
        if let piece = firstOffer(where: isLacking) ?? secondOffer(to: connection, where: isLacking) {
            keepers[piece] = connection
            offers.append(piece)
            return piece
        }
        return nil
    }

    private mutating func firstOffer(where isLacking: (Int) -> Bool) -> Int? {
        guard untouched > 0 else { return nil }
        if offers.count >= offersToSweep { sweepOffers() }
        for step in keepers.indices {
            let piece = (cursor + step) % keepers.count
            guard !given[piece], keepers[piece] == .none, isLacking(piece) else { continue }
            cursor = piece + 1
            untouched -= 1
            return piece
        }
        return nil
    }

    private mutating func secondOffer(to connection: ConnectionID, where isLacking: (Int) -> Bool) -> Int? {
        sweepOffers()
        guard let index = offers.firstIndex(where: { keepers[$0] != connection && isLacking($0) }) else { return nil }
        return offers.remove(at: index)
    }

    private mutating func sweepOffers() {
        offers.removeAll { given[$0] || keepers[$0] == .none }
        offersToSweep = max(Self.fewOffers, 2 * offers.count)
    }

    /// The peer is gone, and what it was given with it, unless it had everything.
    mutating func ended(_ connection: ConnectionID, isKept: Bool, now: Duration) {
        guard !isKept else {
            completed = completed.suffix(Self.maximumCompleted - 1) + [now]
            return
        }
        for piece in keepers.indices where keepers[piece] == connection {
            keepers[piece] = .none
            given[piece] = false
            untouched += 1
        }
        sweepOffers()
    }
}
