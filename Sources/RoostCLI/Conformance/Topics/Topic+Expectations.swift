// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Foundation
internal import Keys
internal import Wire

/// `torrents/expectations.json`: what libtorrent's tests assert of each file, and what its wheel said.
///
/// Where this program answers otherwise by design, one of these rules says so; nothing else is let pass:
///
/// 1. Duplicate keys and bytes behind the value are refused before anything else is looked at; libtorrent takes the
///    first of the keys and leaves the bytes.
/// 2. A name that either program had to change need not be changed to the same one; ours must be safe.
/// 3. Pad files have no path of their own, and a v2 torrent has none at all: only their lengths in v1 are compared.
/// 4. A symbolic link has no content; that it is one, and its target's last component, are compared.
extension ConformanceTopic {
    private struct Expectations: Decodable {
        var torrents: [Expectation]
    }

    private struct Expectation: Decodable {
        struct Asserted: Decodable {
            var loads: Bool
            var error_kind: String?
            var has_v1: Bool?
            var has_v2: Bool?
            var v2: String?
            var root_0: String?
            var url_seed_0: String?
            var num_url_seeds: Int?
            var dht_nodes: [Host]?
        }
        struct Host: Decodable {
            var value: TorrentSources.Host

            init(from decoder: any Decoder) throws {
                var container = try decoder.unkeyedContainer()
                let name = try container.decode(String.self)
                value = TorrentSources.Host(name: name, port: try container.decode(UInt16.self))
            }
        }
        struct Observed: Decodable {
            struct File: Decodable {
                var path: String
                var size: Int64
                var pad: Bool?
                var executable: Bool?
                var symlink: String?
            }
            var loads: Bool
            var error: String?
            var files: [File]?
            var name: String?
            var num_files: Int?
            var num_pieces: Int?
            var piece_length: Int?
            var `private`: Bool?
            var v1: String?
            var v2: String?
        }
        var file: String
        var sha256: String
        var asserted_by_upstream_test: Asserted?
        var observed_libtorrent_2_1_1: Observed
    }

    static func checkExpectations(_ folder: VectorFolder, _ result: inout ConformanceResult) throws {
        let expectations: Expectations = try folder.json("expectations.json")
        for expectation in expectations.torrents {
            let bytes = try folder.bytes(expectation.file)
            guard Hash.sha256(bytes).hex == expectation.sha256 else {
                result.check(expectation.file, false, "is not the file that the expectations are of")
                continue
            }
            let faults = self.faults(of: bytes, expectation)
            result.check(expectation.file, faults.isEmpty, faults.joined(separator: "; "))
        }
    }

    private static func faults(of bytes: [UInt8], _ expectation: Expectation) -> [String] {
        do throws(MetainfoError) {
            return faults(of: try Metainfo(torrentFile: bytes), expectation)
        } catch .notBencoded(.trailingBytes(let end)) {
            // Refused by rule 1; what stands before must still be judged as expected.
            return faults(of: Array(bytes[..<end]), expectation)
        } catch {
            return faults(of: error, expectation)
        }
    }

    private static func faults(of error: MetainfoError, _ expected: Expectation) -> [String] {
        let loads = expected.asserted_by_upstream_test?.loads ?? expected.observed_libtorrent_2_1_1.loads
        guard !error.isDuplicateKey else { return [] }
        guard !loads else { return ["refused: \(error)"] }
        guard let kind = expected.asserted_by_upstream_test?.error_kind, error.isReason(kind) != true else { return [] }
        return ["refused for \(error), should be \(kind)"]
    }

    private static func faults(of metainfo: Metainfo, _ expected: Expectation) -> [String] {
        let observed = expected.observed_libtorrent_2_1_1
        guard observed.loads else { return ["accepted, should be refused: \(observed.error ?? "")"] }
        var faults: [String] = []
        func compare<Value: Equatable>(_ what: String, _ value: Value?, _ expected: Value?) {
            if value != expected { faults.append("\(what) \(value.map { "\($0)" } ?? "–")") }
        }
        compare("v1", metainfo.infoHashes.v1?.hex, observed.v1)
        compare("v2", metainfo.infoHashes.v2?.hex, observed.v2)
        compare("pieces", metainfo.pieceMap.pieceCount, observed.num_pieces)
        compare("piece length", metainfo.pieceLength, observed.piece_length)
        compare("private", metainfo.isPrivate, observed.private)
        if let asserted = expected.asserted_by_upstream_test {
            compare("has v1", metainfo.kind.hasV1, asserted.has_v1 ?? metainfo.kind.hasV1)
            compare("has v2", metainfo.kind.hasV2, asserted.has_v2 ?? metainfo.kind.hasV2)
            if let root = asserted.root_0 { compare("root", metainfo.files.first?.piecesRoot?.hex, root) }
            if let count = asserted.num_url_seeds { compare("web seeds", metainfo.sources.webSeeds.count, count) }
            if let seed = asserted.url_seed_0 { compare("web seed", metainfo.sources.webSeeds.first, seed) }
            if let nodes = asserted.dht_nodes { compare("nodes", metainfo.sources.nodes, nodes.map(\.value)) }
        }
        return faults + fileFaults(of: metainfo, observed)
    }

    private static func fileFaults(of metainfo: Metainfo, _ observed: Expectation.Observed) -> [String] {
        guard let paths = try? PathSanitizer.sanitize(metainfo.files) else { return ["paths cannot be made safe"] }
        let root = PathSanitizer.sanitize(name: metainfo.name)
        var ours: [(file: TorrentFile, path: SanitizedPath)] = []
        for (file, path) in zip(metainfo.files, paths) {
            if let path { ours.append((file, path)) }
        }
        let listed = (observed.files ?? []).filter { $0.pad != true }
        // Long lists were cut when the expectations were written.
        guard observed.files?.count == observed.num_files else { return lengthFaults(metainfo, observed) }
        guard ours.count == listed.count else { return ["\(ours.count) files, expected \(listed.count)"] }
        var faults = padFaults(metainfo, observed)
        for (mine, theirs) in zip(ours, listed) {
            if mine.file.length != theirs.size { faults.append("\(theirs.path) has \(mine.file.length) bytes") }
            if mine.file.isExecutable != (theirs.executable ?? false) { faults.append("\(theirs.path) executable") }
            if mine.file.symlinkTarget?.last != theirs.symlink?.split(separator: "/").last.map(String.init) {
                faults.append("\(theirs.path) links to \(mine.file.symlinkTarget ?? [])")
            }
            let path = (metainfo.isSingleFile ? [] : [root.name]) + mine.path.components
            let isChanged = mine.path.isChanged || !root.changes.isEmpty || theirs.path.contains("_")
            let isSafe = path.allSatisfy(Self.isSafe)
            if !isSafe || (!isChanged && path.joined(separator: "/") != theirs.path) {
                faults.append("\(path), expected \(theirs.path)")
            }
        }
        return faults
    }

    private static func lengthFaults(_ metainfo: Metainfo, _ observed: Expectation.Observed) -> [String] {
        metainfo.files.count == observed.num_files ? [] : ["\(metainfo.files.count) files"]
    }

    private static func padFaults(_ metainfo: Metainfo, _ observed: Expectation.Observed) -> [String] {
        guard metainfo.kind.hasV1 else { return [] }
        let ours = metainfo.files.filter(\.isPadding).map(\.length)
        let theirs = (observed.files ?? []).filter { $0.pad == true }.map(\.size)
        return ours == theirs ? [] : ["padding \(ours), expected \(theirs)"]
    }

    private static func isSafe(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".."
            && name.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0 != "/" && $0 != "\\" && $0 != "\u{7F}" }
    }
}
