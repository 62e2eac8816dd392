// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Storage
internal import Wire

/// Compares files that are known by their place in a v1 torrent alone with the torrent's pieces: they have no root.
struct V1Scrub {
    /// What became of the files of one torrent.
    struct Damage {
        /// As the torrent calls itself.
        var name: String
        var files: Int
    }

    let context: NodeContext
    /// Takes what is damaged out of service.
    let takingOut: Bool

    /// Files of which every piece that could be put together is right.
    private(set) var sound = 0
    /// Files of torrents of which nothing is known any more.
    private(set) var unknown = 0
    private(set) var damaged: [Damage] = []

    init(context: NodeContext, takingOut: Bool) {
        self.context = context
        self.takingOut = takingOut
    }

    /// `files`: those of one torrent that are here whole, by their number in it, with their lengths. Blocks for as long as
    /// reading them takes; memory: one piece.
    mutating func look(at files: [Int: Int64], of torrent: Digest160, isCancelled: () -> Bool) throws {
        guard let record = try context.metadata.read({ try $0.torrent(v1: torrent, v2: nil) }),
            let bytes = record.metainfo, let known = try? Metainfo(torrentFile: bytes),
            let metainfo = record.v2 == nil ? known.v1View : known
        else {
            unknown += files.count
            return
        }
        var wrong = Set(
            files.keys.filter { !metainfo.files.indices.contains($0) || metainfo.files[$0].length != files[$0] }
        )
        for file in files.keys { context.content.reopen(.v1(torrent: torrent, file: file)) }
        for number in metainfo.pieceMap.indices {
            if isCancelled() { throw CancellationError() }
            guard let piece = metainfo.pieceMap.index(number) else { continue }
            let segments = metainfo.pieceMap.segments(of: piece)
            // A piece of which a part is not here says nothing about the rest.
            guard segments.allSatisfy({ files[$0.file] != nil && !wrong.contains($0.file) }) else { continue }
            // Nobody can tell in which file of a wrong piece the wrong bytes are.
            if try !isRight(piece, segments, of: torrent, metainfo) { wrong.formUnion(segments.map(\.file)) }
        }
        sound += files.count - wrong.count
        guard !wrong.isEmpty else { return }
        damaged.append(Damage(name: record.name, files: wrong.count))
        if takingOut { for file in wrong { try context.content.quarantine(.v1(torrent: torrent, file: file)) } }
    }

    private func isRight(
        _ piece: PieceIndex,
        _ segments: [FileSegment],
        of torrent: Digest160,
        _ metainfo: Metainfo
    ) throws(StorageError) -> Bool {
        guard var verifier = PieceVerifier(metainfo, piece: piece) else { return true }
        for segment in segments {
            let key = ContentKey.v1(torrent: torrent, file: segment.file)
            do throws(StorageError) {
                verifier.update(try context.content.read(key, at: segment.offset, count: segment.length))
            } catch {
                switch error {
                // Not what the store put there, or nothing that can be read.
                case .notFound, .outOfRange, .damaged, .io(.read, _, _), .io(.open, _, _): return false
                default: throw error
                }
            }
        }
        return verifier.finish()
    }

    /// What there is to say.
    var findings: [DoctorReport.Finding] {
        var findings = damaged.map { damage in
            let what = "\(damage.files) files of the torrent '\(damage.name)'"
            return takingOut
                ? DoctorReport.Finding.repaired("\(what) were damaged and are taken out; they are fetched when wanted")
                : .problem(
                    "\(what) are damaged",
                    "Run `roost doctor`: it takes them out, and they are fetched when wanted."
                )
        }
        if unknown > 0 {
            findings.append(.ok("\(unknown) files are of torrents that are known no more, and cannot be compared"))
        }
        return findings
    }
}
