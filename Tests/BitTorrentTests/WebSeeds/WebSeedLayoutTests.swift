// SPDX-License-Identifier: Apache-2.0
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import BitTorrent

@Suite struct WebSeedLayoutTests {
    private func layout(
        _ kind: WebSeedKind,
        _ base: String,
        _ torrent: TorrentKind = .v1,
        sizes: [Int] = [40_000, 5, 0, 32_768]
    ) throws -> (WebSeedLayout, Metainfo) {
        let sample = try SampleContent(torrent, sizes: sizes)
        let url = try #require(ServiceURL(base))
        return (try #require(WebSeedLayout(kind, base: url, metainfo: sample.metainfo)), sample.metainfo)
    }

    private func all(_ metainfo: Metainfo) -> Range<PieceIndex> {
        PieceIndex(0)..<PieceIndex(Int32(metainfo.pieceMap.pieceCount))
    }

    @Test(
        "BEP 19: of several files the URL is the folder's, with name and path escaped, whether it ends in a slash or not",
        arguments: ["http://h/pub", "http://h/pub/"]
    )
    func severalFiles(base: String) throws {
        let (layout, metainfo) = try layout(.files, base)
        for index in metainfo.files.indices {
            let names = ([metainfo.name] + metainfo.files[index].path).map { PercentEncoding.encode($0) }
            #expect(layout.url(ofFile: index).description == "http://h/pub/" + names.joined(separator: "/"))
        }
    }

    @Test("BEP 19: of a single file the URL is the file's, or its folder's with a slash at the end")
    func singleFile() throws {
        let info = "d6:lengthi5e4:name5:a b/c12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaae"
        let metainfo = try Metainfo(infoDictionary: Array(info.utf8))
        for (base, expected) in [
            ("http://h/x.bin", "http://h/x.bin"), ("http://h/get?id=7", "http://h/get?id=7"),
            ("http://h/pub/", "http://h/pub/a%20b%2Fc"), ("http://h/pub/?t=1", "http://h/pub/a%20b%2Fc?t=1"),
        ] {
            let url = try #require(ServiceURL(base))
            let layout = try #require(WebSeedLayout(.files, base: url, metainfo: metainfo))
            #expect(layout.url(ofFile: 0).description == expected)
        }
        #expect(WebSeedLayout(.files, base: try #require(ServiceURL("udp://h:1/")), metainfo: metainfo) == nil)
    }

    @Test(
        "The parts of all pieces are each byte of each file once, in order, and no padding at the end of pieces",
        arguments: TorrentKind.allCases
    )
    func everything(kind: TorrentKind) throws {
        let (layout, metainfo) = try layout(.files, "http://h/", kind)
        let parts = layout.parts(of: all(metainfo))
        let wanted = metainfo.files.indices.filter { metainfo.files[$0].length > 0 && !metainfo.files[$0].isPadding }
        #expect(parts.map(\.file) == wanted, "one request for each file that has content")
        for part in parts {
            #expect(part.range == 0..<metainfo.files[part.file].length)
            #expect(part.fileLength == metainfo.files[part.file].length)
        }
        let one = layout.parts(of: PieceIndex(1)..<PieceIndex(2))
        #expect(one.reduce(0) { $0 + $1.length } == Int64(metainfo.pieceMap.dataLength(of: PieceIndex(1))))
    }

    @Test("BEP 17: a piece is named by infohash and number, with a range where it is not the whole piece")
    func pieces() throws {
        let (layout, metainfo) = try layout(.pieces, "http://h/seed.php", .hybrid)
        let hash = PercentEncoding.encode(try #require(metainfo.infoHashes.v1).bytes)
        let parts = layout.parts(of: all(metainfo))
        #expect(parts.count == metainfo.pieceMap.pieceCount)
        #expect(parts[0].url?.description == "http://h/seed.php?info_hash=\(hash)&piece=0")
        let padded = try #require(
            parts.first { Int($0.length) < metainfo.pieceMap.length(of: $0.piece ?? PieceIndex(0)) }
        )
        let number = try #require(padded.piece).raw
        #expect(
            padded.url?.description
                == "http://h/seed.php?info_hash=\(hash)&piece=\(number)&ranges=0-\(padded.length - 1)"
        )
        var rest = parts[0]
        rest.range = 100..<rest.range.upperBound
        #expect(layout.rest(of: rest).url?.query?.hasSuffix("&ranges=100-\(rest.range.upperBound - 1)") == true)
        let v2 = try SampleContent(.v2, sizes: [5]).metainfo
        #expect(WebSeedLayout(.pieces, base: try #require(ServiceURL("http://h/")), metainfo: v2) == nil)
    }
}
