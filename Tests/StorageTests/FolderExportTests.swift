// SPDX-License-Identifier: Apache-2.0
import Foundation
import Keys
import Storage
import Testing
import Wire

@Suite("Writing releases out into folders")
struct FolderExportTests {
    /// A store with two files.
    struct Fixture {
        let folder: TemporaryFolder
        let content: ContentStore
        let roots: [Digest256]

        init() throws {
            folder = try TemporaryFolder()
            content = try ContentStore(home: folder.home)
            try folder.write(Array("one".utf8), to: "site/a")
            try folder.write([UInt8](repeating: 7, count: 50_000), to: "site/b")
            let tree = try PublishPass.run(folder: folder.path + "/site", into: content)
            roots = tree.tree.manifest.files.compactMap(\.root)
        }

        func item(_ path: [String], _ file: Int = 0, isExecutable: Bool = false) -> FolderExport.Item {
            FolderExport.Item(
                path: path,
                length: file == 0 ? 3 : 50_000,
                key: .file(root: roots[file]),
                isExecutable: isExecutable
            )
        }

        func run(_ items: [FolderExport.Item], to name: String = "out") throws -> FolderExport.Result {
            try FolderExport(content: content).run(items, to: folder.path + "/" + name)
        }

        /// All that lies beside home and site.
        var others: [String] { get throws { try folder.names(in: "").filter { $0 != "home" && $0 != "site" } } }
    }

    @Test("files, folders, the right to run, empty files; the folders above are made")
    func whole() throws {
        let fixture = try Fixture()
        let items = [
            fixture.item(["a", "x"]), fixture.item(["a", "y", "z"], 1), fixture.item(["run"], isExecutable: true),
            FolderExport.Item(path: ["void"], length: 0, key: nil, isExecutable: false),
        ]
        let result = try fixture.run(items, to: "new/deep/out")
        #expect(result.files == 4 && result.bytes == 50_006 && result.renamed.isEmpty)
        #expect(try fixture.folder.read("new/deep/out/a/x") == Array("one".utf8))
        #expect(try fixture.folder.read("new/deep/out/a/y/z").count == 50_000)
        #expect(try fixture.folder.read("new/deep/out/void").isEmpty)
        #expect(try fixture.folder.permissions(of: "new/deep/out/run").map { $0 & 0o100 } == 0o100)
        #expect(try fixture.folder.permissions(of: "new/deep/out/a/x").map { $0 & 0o100 } == 0)
        #expect(try fixture.folder.names(in: "new/deep") == ["out"])
    }

    @Test("names that climb, point elsewhere or collide are written inside the folder and nowhere else")
    func hostile() throws {
        let fixture = try Fixture()
        let paths = [
            ["..", "..", "escape"], ["../escape2"], ["/etc/escape3"], ["a", "..", "b"], ["."], ["C:\\x"], ["x\u{0}y"],
            ["Same"], ["same"], ["same", "inner"], ["NUL"],
        ]
        let before = try fixture.others
        let result = try fixture.run(paths.map { fixture.item($0) })
        #expect(result.files == paths.count)
        #expect(try fixture.others == before + ["out"])
        #expect(!FileManager.default.fileExists(atPath: NSTemporaryDirectory() + "escape"))
        let written = try FileManager.default.subpathsOfDirectory(atPath: fixture.folder.path + "/out")
        #expect(!written.contains { $0.split(separator: "/").contains("..") })
    }

    @Test("what a process left that died while it wrote is removed; what another writes now is not")
    func leftovers() throws {
        let fixture = try Fixture()
        try fixture.folder.write([1], to: ".roost-fetch-dead/a/b")
        try fixture.folder.write([1], to: "out/.roost-fetch-dead/a")
        try fixture.folder.write([1], to: ".roost-fetch-live/a")
        let descriptor = unsafe open(fixture.folder.path + "/.roost-fetch-live", O_RDONLY | O_DIRECTORY)
        defer { close(descriptor) }
        #expect(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
        _ = try fixture.run([fixture.item(["a"])])
        #expect(try fixture.others == [".roost-fetch-live", "out"])
        #expect(try fixture.folder.read(".roost-fetch-live/a") == [1])
        #expect(try fixture.folder.names(in: "out") == ["a"])
    }

    @Test("a folder that holds anything, a file and a link are refused and left alone")
    func occupied() throws {
        let fixture = try Fixture()
        try fixture.folder.write([1], to: "full/file")
        try fixture.folder.write([1], to: "plain")
        try fixture.folder.write([1], to: "elsewhere/kept")
        let manager = FileManager.default
        let path = fixture.folder.path
        try manager.createSymbolicLink(atPath: path + "/link", withDestinationPath: path + "/elsewhere")
        try manager.createSymbolicLink(atPath: path + "/dangling", withDestinationPath: path + "/not-there")
        try manager.createDirectory(atPath: path + "/planted", withIntermediateDirectories: false)
        try manager.createSymbolicLink(atPath: path + "/planted/a", withDestinationPath: path + "/elsewhere")
        for name in ["full", "plain", "link", "dangling", "planted"] {
            #expect(throws: ExportError.notEmpty(path: path + "/" + name), "\(name)") {
                try fixture.run([fixture.item(["a", "x"])], to: name)
            }
        }
        #expect(try fixture.folder.names(in: "elsewhere") == ["kept"])
        #expect(try fixture.folder.names(in: "planted") == ["a"])
        #expect(try !fixture.others.contains { $0.hasPrefix(".roost") })
    }

    @Test("an empty folder is taken, with its permissions")
    func empty() throws {
        let fixture = try Fixture()
        let path = fixture.folder.path + "/out"
        try FileManager.default.createDirectory(
            atPath: path,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o750]
        )
        _ = try fixture.run([fixture.item(["x"])])
        #expect(try fixture.folder.permissions(of: "out") == 0o750)
        #expect(try fixture.folder.names(in: "out") == ["x"])
    }

    @Test("a missing or shortened file and a cancellation leave nothing")
    func failing() throws {
        let fixture = try Fixture()
        let path = fixture.folder.path
        #expect(throws: ExportError.cancelled) {
            try FolderExport(content: fixture.content, isCancelled: { true }).run(
                [fixture.item(["x"])],
                to: path + "/out"
            )
        }
        var wrong = fixture.item(["y"])
        wrong.length = 4
        #expect(throws: ExportError.self) { try fixture.run([fixture.item(["x"]), wrong]) }
        try fixture.content.remove(.file(root: fixture.roots[1]))
        #expect(throws: ExportError.missing(path: "d/y")) {
            try fixture.run([fixture.item(["d", "x"]), fixture.item(["d", "y"], 1)])
        }
        #expect(try fixture.others.isEmpty)
    }
}

@Suite("Source folders")
struct SourceFolderTests {
    let site = Digest256([UInt8](repeating: 5, count: 32)) ?? .zero

    @Test("a marker is written, read and taken away")
    func marker() throws {
        let folder = try TemporaryFolder()
        let source = try SourceFolder(folder.path)
        #expect(source.marker == .absent)
        try source.mark(site)
        #expect(source.marker == .site(site))
        try source.unmark(.zero)
        #expect(source.marker == .site(site))
        try source.unmark(site)
        #expect(source.marker == .absent)
    }

    @Test(
        "what names no site, or two, is unreadable",
        arguments: [
            "", "# only\n", "betanet://12\n", "hello", "betanet://\(String(repeating: "0", count: 64))\nbetanet://x",
        ]
    )
    func unreadable(text: String) throws {
        let folder = try TemporaryFolder()
        try folder.write(Array(text.utf8), to: ".roost-site")
        #expect(try SourceFolder(folder.path).marker == .unreadable)
    }

    @Test("a marker that is a link is not followed, and replaced by the next one")
    func link() throws {
        let folder = try TemporaryFolder()
        try folder.write(Array("betanet://\(site.hex)\n".utf8), to: "elsewhere")
        let path = folder.path + "/.roost-site"
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: folder.path + "/elsewhere")
        let source = try SourceFolder(folder.path)
        #expect(source.marker == .unreadable)
        try source.mark(.zero)
        #expect(source.marker == .site(.zero))
        #expect(try folder.read("elsewhere") == Array("betanet://\(site.hex)\n".utf8))
    }

    @Test("one folder has one path, and a file is none")
    func paths() throws {
        let folder = try TemporaryFolder()
        try folder.write([1], to: "real/x")
        try FileManager.default.createSymbolicLink(
            atPath: folder.path + "/link",
            withDestinationPath: folder.path + "/real"
        )
        #expect(try SourceFolder(folder.path + "/link/").path == SourceFolder(folder.path + "/real").path)
        #expect(throws: PublishError.self) { try SourceFolder(folder.path + "/real/x") }
    }
}
