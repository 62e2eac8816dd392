// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Foundation
import Testing

@testable import Storage

@Suite("Folder walk")
struct FolderWalkTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder.path + "/site", withIntermediateDirectories: true)
    }

    private func write(_ name: String, _ text: String = "x") throws {
        try folder.write(Array(text.utf8), to: "site/" + name)
    }

    private func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: folder.path + "/site/" + name, withDestinationPath: target)
    }

    private func walk() throws -> FolderWalk {
        let root = try OpenFile.open(folder.path + "/site", flags: 0)
        return try FolderWalk.run(folder: root, home: folder.home.path)
    }

    private func paths() throws -> [String] { try walk().entries.map { $0.path.joined(separator: "/") } }

    @Test("lists files in the order of raw bytes, component by component")
    func order() throws {
        for name in ["b", "a/z", "a.txt", "a/b/c", "Z", "\u{E9}", "e\u{301}", "a-b/x", "10", "9"] { try write(name) }
        #expect(
            try paths().map { Array($0.utf8) }
                == ["10", "9", "Z", "a/b/c", "a/z", "a-b/x", "a.txt", "b", "e\u{301}", "\u{E9}"].map { Array($0.utf8) }
        )
    }

    @Test("leaves out empty folders, version control and the site's marker, at any depth")
    func excluded() throws {
        for name in ["index.html", ".git/config", "sub/.hg/x", ".svn/y", "sub/.git", ".roost-site", ".well-known/x"] {
            try write(name)
        }
        try FileManager.default.createDirectory(
            atPath: folder.path + "/site/empty/deeper",
            withIntermediateDirectories: true
        )
        let walk = try walk()
        #expect(walk.entries.map(\.source) == [".well-known/x", "index.html"])
        #expect(walk.skipped.isEmpty)
    }

    @Test("a link that stays inside is published as the file or folder that it names")
    func insideLinks() throws {
        try write("real/page.html", "page")
        try link("alias.html", to: "real/page.html")
        try link("folder", to: "real")
        try link("real/up", to: "../alias.html")
        try link("absolute", to: folder.path + "/site/real/page.html")
        let walk = try walk()
        #expect(
            walk.entries.map { $0.path.joined(separator: "/") } == [
                "absolute", "alias.html", "folder/page.html", "folder/up", "real/page.html", "real/up",
            ]
        )
        #expect(walk.entries.allSatisfy { $0.source == "real/page.html" && $0.status.length == 4 })
        #expect(walk.skipped.isEmpty)
    }

    @Test("links that leave, dangle or lead round are skipped and named with the reason")
    func otherLinks() throws {
        try folder.write([1], to: "outside/secret")
        try folder.write([1], to: "site-2/secret")
        try write(".git/config")
        try link("leaves", to: "../outside/secret")
        try link("sibling", to: "../site-2/secret")
        try link("dangles", to: "../nowhere.js")
        try link("round", to: "round")
        try link("self", to: ".")
        try link("vcs", to: ".git/config")
        let walk = try walk()
        #expect(walk.entries.isEmpty)
        #expect(
            walk.skipped == [
                SkippedFile(path: "dangles", reason: .linkDangles(target: "../nowhere.js")),
                SkippedFile(path: "leaves", reason: .linkLeavesFolder(target: "../outside/secret")),
                SkippedFile(path: "round", reason: .linkLoops),
                SkippedFile(path: "self", reason: .linkLoops),
                SkippedFile(path: "sibling", reason: .linkLeavesFolder(target: "../site-2/secret")),
                SkippedFile(path: "vcs", reason: .linkToExcluded),
            ]
        )
        #expect(walk.skipped.allSatisfy { !$0.why.isEmpty })
    }

    @Test("names that are no UTF-8 and files that are none are skipped and named")
    func oddFiles() throws {
        #expect(unsafe mkfifo(folder.path + "/site/pipe", 0o600) == 0)
        var name = Array((folder.path + "/site/").utf8).map { CChar(bitPattern: $0) }
        name += [CChar(bitPattern: 0xFF), 0]
        let descriptor = unsafe Foundation.open(name, O_CREAT | O_WRONLY, 0o600)
        #expect(descriptor >= 0)
        close(descriptor)
        let walk = try walk()
        #expect(walk.entries.isEmpty)
        #expect(walk.skipped.map(\.reason) == [.specialFile, .nameNotUTF8])
        #expect(walk.skipped.last?.path == "\u{FFFD}")
    }

    @Test("the owner's right to run a file is kept")
    func executable() throws {
        try write("run.sh")
        try write("read.txt")
        try FileManager.default.setAttributes([.posixPermissions: 0o744], ofItemAtPath: folder.path + "/site/run.sh")
        #expect(try walk().entries.map(\.status.isExecutable) == [false, true])
    }

    @Test("a folder that holds the node's home is refused: its keys would be published")
    func home() throws {
        try Home(path: folder.path + "/site/deep/home").prepare()
        let root = try OpenFile.open(folder.path + "/site", flags: 0)
        #expect(throws: PublishError.self) {
            try FolderWalk.run(folder: root, home: folder.path + "/site/deep/home")
        }
    }

    @Test("paths beyond the limits are refused with the number")
    func limits() throws {
        let long = String(repeating: "n", count: 250)
        try write("\(long)/\(long)/\(long)/\(long)/\(long)")
        let error = #expect(throws: PublishError.self) { try walk() }
        guard case .pathTooLong(_, let limit) = error else {
            Issue.record("refused for another reason")
            return
        }
        #expect(limit == 1024)
    }

    @Test("depth beyond 64 is refused")
    func depth() throws {
        try write(String(repeating: "d/", count: 63) + "file")
        #expect(try paths().count == 1)
        try write(String(repeating: "d/", count: 64) + "file")
        #expect(throws: PublishError.self) { try walk() }
    }
}

@Suite("File snapshot")
struct FileSnapshotTests {
    @Test("copies content exactly, sparse and empty files too", arguments: [0, 1, 16_384, 300_000])
    func copy(count: Int) throws {
        let folder = try TemporaryFolder()
        let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 / 7) }
        try folder.write(content, to: "source")
        let source = try OpenFile.open(folder.path + "/source", flags: 0)
        let snapshot = try FileSnapshot.take(of: source, at: folder.path + "/copy", maximum: 1 << 30)
        #expect(snapshot.length == Int64(count))
        #expect(snapshot.isStable)
        #expect(try folder.read("copy") == content)
    }

    @Test("a file beyond the limit is refused and its copy removed")
    func limit() throws {
        let folder = try TemporaryFolder()
        try folder.write([UInt8](repeating: 1, count: 100), to: "source")
        let source = try OpenFile.open(folder.path + "/source", flags: 0)
        #expect(throws: StorageError.self) {
            try FileSnapshot.take(of: source, at: folder.path + "/copy", maximum: 10)
        }
        #expect(!folder.exists("copy"))
    }

    @Test("copying a long file ends where its publisher gives up, and not at its end")
    func givenUp() throws {
        let folder = try TemporaryFolder()
        try folder.write([], to: "source")
        let source = try OpenFile.open(folder.path + "/source", flags: 2)
        try source.resize(to: 100 << 20)
        var asked = 0
        let snapshot = try FileSnapshot.take(of: source, at: folder.path + "/copy", maximum: 1 << 40) { _ in
            asked += 1
            return false
        }
        // Where the file system shares blocks there is nothing to give up.
        #expect(snapshot.isStable || snapshot.length <= 16 << 20)
        #expect(snapshot.isStable || asked == 2)
    }
}
