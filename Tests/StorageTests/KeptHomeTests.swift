// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
import Keys
import TestSupport
import Testing
import Wire

@testable import Storage

@Suite("Homes that earlier builds wrote")
struct KeptHomeTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private var home: Home { folder.home }

    /// Opens the home as a node does, and looks at all that stood in it.
    private func expectWhole(_ sample: KeptHome) throws {
        let lock = try home.open()
        #expect(try home.read(home.version) == Array("\(Home.layoutVersion)\n".utf8))
        #expect(String(decoding: try home.read(home.configuration), as: UTF8.self) == sample.read.config)
        let content = KeptContent(sample, try ContentStore(home: home))
        try content.expectComplete()
        try content.expectPartial()
        let rows = KeptRows(sample, try MetadataStore(path: home.database))
        try rows.expectSites()
        try rows.expectReleases()
        try rows.expectNetwork()
        try expectKeys(sample)
        try expectDenied(sample)
        withExtendedLifetime(lock) {}
    }

    private func expectKeys(_ sample: KeptHome) throws {
        let keys = KeyStore(home: home)
        #expect(try keys.names() == sample.read.keys.keys.sorted())
        for (name, content) in sample.read.keys { #expect(Hex.encode(try keys.load(name)) == content, "\(name)") }
    }

    private func expectDenied(_ sample: KeptHome) throws {
        let lists = try home.readDenyLists()
        #expect(lists.map(\.name) == ["friends"] && lists.allSatisfy(\.invalidLines.isEmpty))
        #expect(lists.first?.rules.map(\.subject.value) == [sample.made.denyList])
    }

    // MARK: What must be kept

    @Test(
        "Each layout and each step of the database has one; the next is made with Tests/Vectors/homes/make.py"
    )
    func nothingForgotten() {
        #expect(KeptHome.all.count == KeptHome.names.count)
        #expect(Set(KeptHome.all.map(\.read.layout)) == Set(1...Home.layoutVersion))
        let steps = MetadataSchema.migrator.migrations
        for count in 1...steps.count {
            #expect(
                KeptHome.all.contains { $0.read.metadata.schema == Array(steps.prefix(count)) },
                "no kept home has a database that ends with step \(steps[count - 1])"
            )
        }
    }

    @Test("A step of the database that was released makes the tables that it made then", arguments: KeptHome.all)
    func schema(sample: KeptHome) throws {
        let fresh = try DatabaseQueue()
        let last = try #require(sample.read.metadata.schema.last)
        try MetadataSchema.migrator.migrate(fresh, upTo: last)
        #expect(try Self.statements(fresh) == sample.read.metadata.statements)
    }

    @Test("Brought forward, its database has the tables of a new one", arguments: KeptHome.all)
    func schemaAfter(sample: KeptHome) throws {
        try sample.copy(to: home.path)
        _ = try MetadataStore(path: home.database)
        let fresh = try DatabaseQueue()
        try MetadataSchema.migrator.migrate(fresh)
        let here = try DatabaseQueue(path: home.database)
        #expect(try Self.statements(here) == Self.statements(fresh))
        #expect(
            try here.read { try MetadataSchema.migrator.appliedMigrations($0) } == MetadataSchema.migrator.migrations
        )
    }

    private static func statements(_ database: DatabaseQueue) throws -> [String: String] {
        let query = """
            SELECT name, sql FROM sqlite_master
            WHERE sql IS NOT NULL AND name NOT LIKE 'grdb%' AND name NOT LIKE 'sqlite%'
            """
        let rows: [(String, String)] = try database.read { db in
            try Row.fetchAll(db, sql: query).map { ($0["name"], $0["sql"]) }
        }
        return Dictionary(uniqueKeysWithValues: rows)
    }

    // MARK: Opening

    @Test("All of it is there after it was opened, and after it was opened again", arguments: KeptHome.all)
    func opens(sample: KeptHome) throws {
        try sample.copy(to: home.path)
        try expectWhole(sample)
        try expectWhole(sample)
    }

    /// What a process that ended in the middle of bringing a home forward leaves behind.
    enum Interruption: CaseIterable {
        case versionHalfWritten, versionOnly, foldersOnly, contentOnly, versionLost
    }

    @Test(
        "One that was being brought forward when the process ended opens whole",
        arguments: KeptHome.all,
        Interruption.allCases
    )
    func interrupted(sample: KeptHome, at point: Interruption) throws {
        try sample.copy(to: home.path)
        switch point {
        case .versionHalfWritten: try folder.write([], to: "home/version.new")
        case .versionOnly: try folder.write(Array("\(Home.layoutVersion)\n".utf8), to: "home/version")
        case .foldersOnly: try home.prepare()
        case .contentOnly: _ = try ContentStore(home: home)
        case .versionLost: try folder.write([0, 0], to: "home/version")
        }
        try expectWhole(sample)
    }

    private struct Broken: Error {}

    @Test("A step of the database that ends in its middle leaves what was there", arguments: KeptHome.all)
    func interruptedStep(sample: KeptHome) throws {
        try sample.copy(to: home.path)
        var next = MetadataSchema.migrator
        next.registerMigration("interrupted") { db in
            try db.execute(sql: "DROP TABLE want; ALTER TABLE site ADD COLUMN more TEXT; DELETE FROM release")
            throw Broken()
        }
        let pool = try DatabasePool(path: home.database)
        #expect(throws: Broken.self) { try next.migrate(pool) }
        try pool.close()
        try expectWhole(sample)
    }

    // MARK: Later ones

    @Test("One of a later layout is refused, and nothing in it is touched", arguments: KeptHome.all)
    func later(sample: KeptHome) throws {
        try sample.copy(to: home.path)
        let version = Home.layoutVersion + 1
        try folder.write(Array("\(version)\n".utf8), to: "home/version")
        let before = try KeptHome.everything(in: home.path)
        let refusal = StorageError.tooNew(path: home.path, version: version)
        #expect(throws: refusal) { try home.prepare() }
        #expect(throws: refusal) { _ = try home.open() }
        #expect(throws: refusal) { _ = try ContentStore(home: home) }
        #expect(try KeptHome.everything(in: home.path) == before)
    }

    @Test("One whose database has a step of a later version is refused, and the rows stay", arguments: KeptHome.all)
    func laterStep(sample: KeptHome) throws {
        try sample.copy(to: home.path)
        let later = try DatabaseQueue(path: home.database)
        try later.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('later')") }
        let before = try Self.rows(later)
        #expect(throws: MetadataError.tooNew(path: home.database)) { _ = try MetadataStore(path: home.database) }
        #expect(try Self.rows(later) == before)
    }

    private static func rows(_ database: DatabaseQueue) throws -> [String] {
        try database.read { db in
            let tables = try String.fetchAll(
                db,
                sql: "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
            )
            return try tables.flatMap { table in
                try Row.fetchAll(db, sql: "SELECT * FROM \"\(table)\"").map { "\(table) \($0)" }
            }
        }
    }
}
