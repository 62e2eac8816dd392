// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Storage

/// How long a fetch waits for what.
struct FetchPatience: Equatable, Sendable {
    /// Without a byte by v2, until the v1 twin is tried beside it.
    var twin = Duration.seconds(5)
    /// As ``twin``, while nobody is connected by v2.
    var lonely = Duration.seconds(1)
    /// Without any progress and without a peer, until the fetch is given up.
    var alone = Duration.seconds(60)
    /// Without any progress though there are peers.
    var stalled = Duration.seconds(300)
}

/// Tells how far a fetch is, and when it is of no more use to wait.
struct FetchMeter {
    /// Between two reports.
    static let interval = Duration.milliseconds(100)

    private let total: Int64
    private let pieceLength: Int64
    private let patience: FetchPatience
    /// What the pieces that are shorter than others lack.
    private var short: [Int: Int64] = [:]
    private var lastDone: Int64 = -1
    private var lastDownloaded: Int64 = -1
    private(set) var lastProgress = ContinuousClock.now

    init(_ files: ReleaseFiles, patience: FetchPatience) {
        total = files.tree.bytes
        pieceLength = Int64(files.tree.pieceLength)
        self.patience = patience
        // Only the last piece of a file is shorter than the others.
        for (index, file) in files.tree.manifest.files.enumerated() where file.length % pieceLength != 0 {
            short[files.tree.firstPieces[index] + Int(file.length / pieceLength)] =
                pieceLength - file.length % pieceLength
        }
    }

    init(_ map: PieceMap, patience: FetchPatience) {
        total = map.contentLength
        pieceLength = Int64(map.pieceLength)
        self.patience = patience
        for number in map.indices {
            guard let piece = map.index(number) else { continue }
            let length = Int64(map.segments(of: piece).reduce(0) { $0 + ($1.isPadding ? 0 : $1.length) })
            if length < pieceLength { short[number] = pieceLength - length }
        }
    }

    /// Bytes that are held; nil where it is as before.
    mutating func progress(_ verified: Bitfield) -> NodeProgress? {
        var done = Int64(verified.setCount) * pieceLength
        for (piece, missing) in short where verified[piece] { done -= missing }
        guard done != lastDone else { return nil }
        lastDone = done
        lastProgress = .now
        return NodeProgress(stage: "fetching", done: done, total: total)
    }

    /// Nothing has come for so long that the v1 twin is worth trying.
    var isIdle: Bool { ContinuousClock.now - lastProgress >= patience.twin }

    /// Fails where nothing has moved for too long.
    mutating func check(peers: Int, downloaded: Int64) throws(NodeError) {
        if downloaded != lastDownloaded {
            lastDownloaded = downloaded
            lastProgress = .now
        }
        let idle = ContinuousClock.now - lastProgress
        if idle < (peers == 0 ? patience.alone : patience.stalled) { return }
        throw NodeError(
            .unavailable,
            peers == 0 ? "no peer was found that holds this" : "the \(peers) peers connected send nothing of this",
            remedy: "Try again later, or name a peer that holds it with --peer HOST:PORT."
        )
    }
}
