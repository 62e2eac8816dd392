// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Glibc
internal import Keys
internal import Wire

@testable internal import Storage
@testable internal import Swarm

/// Files of ours, which another process or a failing disk may have changed.
extension FuzzTarget {
    static let files: [FuzzTarget] = [
        FuzzTarget("resume-records", maximumLength: 512, samples: resumeSamples, run: resumeRecord),
        FuzzTarget("partial-records", maximumLength: 512, samples: partialSamples, run: partialRecord),
        FuzzTarget("deny-lists", maximumLength: 512, samples: denySamples, run: denyList),
        FuzzTarget("manifests", maximumLength: 2048, samples: manifestSamples, run: manifest),
        FuzzTarget("packs", maximumLength: 1024, samples: packSamples, run: packs),
    ]

    private static func resumeSamples() -> [[UInt8]] {
        let files: BencodeValue = [[5, 100], [7, 200]]
        return [(["files": files, "pieces": .bytes([0xA8]), "v": 1] as BencodeValue).encoded]
    }

    @Sendable private static func resumeRecord(_ bytes: [UInt8]) throws {
        guard let record = ResumeRecord.parse(bytes, pieces: 6, files: 2) else { return }
        try hold(record.verified.count == 6, "a record is about as many pieces as the torrent has")
        try hold(record.stamps.count == 2, "a record is about as many files as the torrent has")
    }

    private static func partialSamples() -> [[UInt8]] {
        var ranges = ByteRanges()
        ranges.insert(0..<16_384)
        ranges.insert(32_768..<40_000)
        return [PartialRecord(length: 40_000, verified: ranges).bytes.dropLast(32)].map(Array.init)
    }

    /// With the hash that the fuzzer cannot make.
    @Sendable private static func partialRecord(_ bytes: [UInt8]) throws {
        _ = PartialRecord(bytes)
        var sealed = bytes
        sealed.append(Hash.sha256(bytes))
        guard let record = PartialRecord(sealed) else { return }
        try hold(record.bytes == sealed, "a record is the one encoding of its value")
        try hold(
            record.verified.ranges.allSatisfy { $0.lowerBound >= 0 && $0.upperBound <= record.length },
            "ranges lie in the file"
        )
    }

    private static func manifestSamples() -> [[UInt8]] {
        let files = [["a", "b"], ["a", "c"], ["index.html"]].map { path in
            ReleaseManifest.File(path: path, length: 5, root: Hash.sha256([1]), isExecutable: path.count == 1)
        }
        return ReleaseManifest(files: files).chunks.map(\.bytes)
    }

    @Sendable private static func manifest(_ bytes: [UInt8]) throws {
        guard let manifest = ReleaseManifest(chunks: [bytes]) else { return }
        try hold(ReleaseManifest(chunks: manifest.chunks.map(\.bytes)) == manifest, "a manifest survives being written")
    }

    private static func denySamples() -> [[UInt8]] {
        let site = signer.publicKey.identifier.hex
        return [
            Array("# mine\nsite \(site)  a reason\r\nfile \(site)\nlabel 1.0\n\nv1 \(torrentHash.hex)\nnonsense".utf8)
        ]
    }

    @Sendable private static func denyList(_ bytes: [UInt8]) throws {
        let list = DenyList(name: "list", text: bytes)
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).count
        try hold(list.rules.count + list.invalidLines.count <= lines, "a line is one rule at most")
        for rule in list.rules {
            let text = "\(rule.subject.kind) \(rule.subject.value) \(rule.reason)"
            let again = DenyList(name: "list", text: Array(text.utf8)).rules
            try hold(again.first?.subject == rule.subject, "a rule survives being written: \(text)")
        }
    }

    private static func packSamples() -> [[UInt8]] {
        let record = PackRecord(root: Hash.sha256([1]), length: 3, storedAt: 1000).header
        return [[0] + record, [1] + snapshots().bytes.dropLast(32)] + PackTrial.samples.map { [2] + $0 }
    }

    private static func snapshots() -> SnapshotCache {
        var cache = SnapshotCache()
        for number in 0..<3 {
            var status = stat()
            (status.st_ino, status.st_size) = (UInt(number), number * 7)
            cache.note(FileStatus(status), root: Hash.sha256([UInt8(number)]), now: 5_000_000_000)
        }
        return cache
    }

    /// By the first byte: the header of a record, which files of a folder are known already, or packs and what a store makes of them.
    @Sendable private static func packs(_ bytes: [UInt8]) throws {
        let rest = Array(bytes.dropFirst())
        switch bytes.first {
        case 0: try packRecord(rest)
        case 1: try snapshotCache(rest)
        default: try PackStoreTrial.run(PackTrial(rest))
        }
    }

    /// With the checksum that the fuzzer cannot make.
    private static func packRecord(_ bytes: [UInt8]) throws {
        let body = Array(bytes.prefix(PackRecord.headerBytes - 8))
        for header in [bytes, body + Hash.sha256(Array(body.dropFirst())).bytes.prefix(8)] {
            guard let record = PackRecord(header[...]) else { continue }
            try hold(record.header == header, "a header is the one encoding of its record")
            try hold((1...PackRecord.maximumLength).contains(record.length), "a packed file is short")
        }
    }

    /// With the hash that the fuzzer cannot make.
    private static func snapshotCache(_ bytes: [UInt8]) throws {
        _ = SnapshotCache(bytes)
        guard let cache = SnapshotCache(bytes + Hash.sha256(bytes).bytes) else { return }
        try hold(SnapshotCache(cache.bytes) == cache, "a cache survives being written")
        // Where a file changed in any way since, nothing is known of it.
        var status = stat()
        (status.st_ino, status.st_size) = (1, 7)
        guard cache.root(of: FileStatus(status)) != nil else { return }
        status.st_mtim.tv_nsec += 1
        try hold(cache.root(of: FileStatus(status)) == nil, "a file that changed is not known")
    }
}
