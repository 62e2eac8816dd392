// SPDX-License-Identifier: Apache-2.0

/// A web seed (BEP 17, BEP 19) as its session sees it: somebody who sends whole pieces in order, and never asks.
///
/// Memory: a bit a piece where it lacks some.
struct WebSeedConnection {
    /// Pieces that it was asked for together, of which the first are there.
    struct Run {
        var pieces: Range<Int>
        /// What comes next.
        var piece: Int
        var offset = 0
        /// The block that is coming in goes into the piece: nobody else has sent it.
        var isKept = false
        let start: Duration
        let bytes: Int
    }

    /// Asked for at once: while one comes the next has been asked for already.
    static let maximumRuns = 2
    /// Without a block for this long, what it was asked for is given to others; should it still come, it is taken.
    static let patience = Duration.seconds(5)
    static let runBytes = (least: 256 << 10, first: 1 << 20, most: 8 << 20)
    /// A run that took less time than this may be longer, one that took more than four times as much shorter.
    static let quickRun = Duration.seconds(1)

    let id: ConnectionID
    /// It takes requests.
    var isReady = false
    /// Pieces that it does not have.
    var lacking: Bitfield?
    var runs: [Run] = []
    /// Where its next run begins best: after the last.
    var cursor = 0
    /// When the last block came, or the first of its runs began.
    var lastProgress = Duration.zero
    var isStalled = false
    /// Bytes of a run, as quick as it is; one piece is always allowed.
    var bytesAtOnce = WebSeedConnection.runBytes.first

    init(id: ConnectionID) {
        self.id = id
    }

    func lacks(_ piece: Int) -> Bool { lacking?[piece] ?? false }

    mutating func finished(_ run: Run, now: Duration) {
        let time = now - run.start
        if time < Self.quickRun, run.bytes * 2 >= bytesAtOnce {
            bytesAtOnce = min(bytesAtOnce * 2, Self.runBytes.most)
        } else if time > Self.quickRun * 4 {
            bytesAtOnce = max(bytesAtOnce / 2, Self.runBytes.least)
        }
    }
}
