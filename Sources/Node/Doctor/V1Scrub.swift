// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Glibc
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

    /// Files of which every piece is right.
    private(set) var sound = 0
    /// Files of which a piece has a part in a file that is not here, and the rest is right.
    private(set) var uncertain = 0
    /// Files of torrents of which nothing is known any more.
    private(set) var unknown = 0
    private(set) var damaged: [Damage] = []

    init(context: NodeContext, takingOut: Bool) {
        self.context = context
        self.takingOut = takingOut
    }

    private enum Look {
        case right
        case wrong
        /// This file went meanwhile.
        case gone(Int)
    }

    /// `files`: those of one torrent that are here whole, by their number in it, with their lengths. Blocks for as long as
    /// reading them takes; memory: the torrent's description and one piece. `step` is told how many bytes were compared, or need
    /// not be; what it throws ends the look.
    mutating func look(at files: [Int: Int64], of torrent: Digest160, step: (Int64) throws -> Void) throws {
        guard let record = try context.metadata.read({ try $0.torrent(v1: torrent, v2: nil) }),
            let bytes = record.metainfo, let known = try? Metainfo(torrentFile: bytes),
            let metainfo = record.v2 == nil ? known.v1View : known
        else {
            unknown += files.count
            return try step(files.values.reduce(0, +))
        }
        var wrong = Set(
            files.keys.filter { !metainfo.files.indices.contains($0) || metainfo.files[$0].length != files[$0] }
        )
        var here = Set(files.keys).subtracting(wrong)
        var unseen: Set<Int> = []
        for file in files.keys { context.content.reopen(.v1(torrent: torrent, file: file)) }
        for number in metainfo.pieceMap.indices {
            guard let piece = metainfo.pieceMap.index(number) else { continue }
            let segments = metainfo.pieceMap.segments(of: piece)
            let parts = Set(segments.map(\.file))
            // A piece of which a part is not here says nothing about the rest.
            if !parts.isSubset(of: here) {
                unseen.formUnion(parts)
            } else {
                switch try look(at: piece, segments, of: torrent, metainfo) {
                case .right: break
                // Nobody can tell in which file of a wrong piece the wrong bytes are.
                case .wrong: wrong.formUnion(parts)
                case .gone(let file):
                    here.remove(file)
                    unseen.formUnion(parts)
                }
            }
            try step(segments.reduce(0) { $0 + (files[$1.file] == nil ? 0 : Int64($1.length)) })
        }
        let rest = here.subtracting(wrong)
        uncertain += rest.intersection(unseen).count
        sound += rest.subtracting(unseen).count
        guard !wrong.isEmpty else { return }
        damaged.append(Damage(name: record.name, files: wrong.count))
        if takingOut { for file in wrong { try context.content.quarantine(.v1(torrent: torrent, file: file)) } }
    }

    private func look(
        at piece: PieceIndex,
        _ segments: [FileSegment],
        of torrent: Digest160,
        _ metainfo: Metainfo
    ) throws(StorageError) -> Look {
        guard var verifier = PieceVerifier(metainfo, piece: piece) else { return .right }
        for segment in segments {
            let key = ContentKey.v1(torrent: torrent, file: segment.file)
            do throws(StorageError) {
                verifier.update(try context.content.read(key, at: segment.offset, count: segment.length))
            } catch .notFound {
                return .gone(segment.file)
            } catch .outOfRange, .damaged {
                return .wrong
            } catch .io(_, _, let code) where [EIO, ELOOP, EISDIR, ESPIPE].contains(code) {
                // Not what the store put there, or nothing that can be read. That this process has no descriptors left, say,
                // tells nothing of the file.
                return .wrong
            }
        }
        return verifier.finish() ? .right : .wrong
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
        if uncertain > 0 {
            findings.append(
                .ok(
                    "\(uncertain) files of torrents of which not all is here cannot be compared whole; what can be is right"
                )
            )
        }
        if unknown > 0 {
            findings.append(.ok("\(unknown) files are of torrents that are known no more, and cannot be compared"))
        }
        return findings
    }
}
