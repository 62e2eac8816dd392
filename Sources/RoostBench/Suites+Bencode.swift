// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Wire

extension Suites {
    private static let fileCount = 1000

    /// A torrent of many files: what a magnet link brings, and what every start reads.
    private static func infoDictionary() -> [UInt8] {
        let files = (0..<fileCount).map { number in
            let folder = BencodeValue.bytes(Array("d\(number / 100)".utf8))
            let name = BencodeValue.bytes(Array("f\(number).html".utf8))
            return BencodeValue.dictionary([
                Array("length".utf8): .integer(4096), Array("path".utf8): .list([folder, name]),
            ])
        }
        return BencodeValue.dictionary([
            Array("files".utf8): .list(files), Array("name".utf8): .bytes(Array("site".utf8)),
            Array("piece length".utf8): .integer(65_536),
            Array("pieces".utf8): .bytes([UInt8](repeating: 7, count: (fileCount * 4096 / 65_536 + 1) * 20)),
        ]).encoded
    }

    static func bencode() -> [Benchmark] {
        let info = infoDictionary()
        let answer = KRPCSamples.findNodeAnswer
        guard let metainfo = try? Metainfo(infoDictionary: info) else { return [] }
        return [
            Benchmark("bencode: parse, an answer to find_node") {
                keep(try? Bencode.parse(answer, mode: .tolerant, limits: .datagram))
            },
            Benchmark("bencode: parse, a torrent of 1,000 files, each", count: fileCount) {
                keep(try? Bencode.parse(info, mode: .tolerant))
            },
            Benchmark("metainfo: read, a torrent of 1,000 files, each", count: fileCount) {
                keep(try? Metainfo(infoDictionary: info))
            },
            Benchmark("names: made safe for a folder, 1,000 files, each", count: fileCount) {
                keep(try? PathSanitizer.sanitize(metainfo.files))
            },
        ]
    }
}
