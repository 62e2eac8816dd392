// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Storage

@Suite("Home")
struct HomeTests {
    @Test("is private to its user and says so in its modes")
    func modes() throws {
        let folder = try TemporaryFolder()
        let lock = try folder.home.open()
        #expect(try folder.permissions(of: "home") == 0o700)
        #expect(try folder.permissions(of: "home/keys") == 0o700)
        #expect(try folder.permissions(of: "home/lock") == 0o600)
        #expect(try folder.permissions(of: "home/version") == 0o600)
        withExtendedLifetime(lock) {}
    }

    @Test("is one node's: a second holder is refused and told who holds it")
    func lock() throws {
        let folder = try TemporaryFolder()
        var lock: HomeLock? = try folder.home.open()
        #expect(folder.home.holder?.contains("pid") == true)
        let error = #expect(throws: StorageError.self) { _ = try folder.home.open() }
        guard case .homeInUse(_, let holder) = error else {
            Issue.record("refused for another reason")
            return
        }
        #expect(holder.contains("pid"))
        withExtendedLifetime(lock) {}
        lock = nil
        _ = try folder.home.open()
    }

    @Test("has no holder after a crash, even where the number in the lock file is another process by now")
    func staleLock() throws {
        let folder = try TemporaryFolder()
        try folder.home.prepare()
        // Process 1 always runs, and is not the node.
        try folder.write(Array("1\n".utf8), to: "home/lock")
        #expect(folder.home.holder == nil)
        let lock = try folder.home.open()
        #expect(folder.home.holder != nil)
        withExtendedLifetime(lock) {}
    }

    @Test(
        "in a place that cannot hold a folder is told apart from a file that is missing",
        arguments: ["/proc/none/home"]
    )
    func noPlace(path: String) throws {
        let error = #expect(throws: StorageError.self) { try Home(path: path).prepare() }
        guard case .io(.create, _, code: _)? = error else {
            Issue.record("refused as \(String(describing: error))")
            return
        }
    }

    @Test("opens again where the disk has lost the bytes of its version, and is refused where they are no number")
    func lostVersion() throws {
        let folder = try TemporaryFolder()
        try folder.home.prepare()
        for lost in [[], [UInt8](repeating: 0, count: 2)] {
            try folder.write(lost, to: "home/version")
            try folder.home.prepare()
            #expect(try folder.home.read(folder.home.version) == Array("\(Home.layoutVersion)\n".utf8))
        }
        try folder.write(Array("two\n".utf8), to: "home/version")
        #expect(throws: StorageError.damaged(path: folder.home.version)) { try folder.home.prepare() }
    }

    @Test("opening clears what an interrupted run left, and nothing else")
    func leftovers() throws {
        let folder = try TemporaryFolder()
        _ = try folder.home.open()
        try folder.write([1], to: "home/tmp/half")
        try folder.write([2], to: "home/config.toml")
        _ = try folder.home.open()
        #expect(try folder.names(in: "home/tmp").isEmpty)
        #expect(try folder.read("home/config.toml") == [2])
    }

    @Test("of a later layout is refused, a damaged version is told apart", arguments: ["3\n", "999", "x"])
    func version(text: String) throws {
        let folder = try TemporaryFolder()
        try folder.home.prepare()
        try folder.write(Array(text.utf8), to: "home/version")
        #expect(throws: StorageError.self) { _ = try folder.home.open() }
    }

    @Test("of an earlier layout is moved forward when it is opened")
    func upgrade() throws {
        let folder = try TemporaryFolder()
        try folder.home.prepare()
        try folder.write(Array("1\n".utf8), to: "home/version")
        _ = try folder.home.open()
        #expect(try folder.read("home/version") == Array("2\n".utf8))
    }

    @Test("replaces a file whole, leaving nothing beside it")
    func replace() throws {
        let folder = try TemporaryFolder()
        try folder.home.prepare()
        let path = folder.home.path + "/control.token"
        try folder.home.write([1, 2, 3], to: path)
        try folder.home.write([4], to: path)
        #expect(try folder.home.read(path) == [4])
        #expect(try folder.permissions(of: "home/control.token") == 0o600)
        #expect(!folder.exists("home/control.token.new"))
        #expect(throws: StorageError.tooLarge(path: path, limit: 0)) { try folder.home.read(path, limit: 0) }
    }
}
