// SPDX-License-Identifier: Apache-2.0
import Keys
import TestSupport
import Testing
import Wire

@testable import Feeds

@Suite struct DirectoryTests {
    struct Built {
        var root = Digest256.zero
        var nodes: [Digest256: [UInt8]] = [:]
        var bytes: Int { nodes.values.reduce(0) { $0 + $1.count } }
    }

    static func file(_ path: [String], version: Int = 0) -> DirectoryFile {
        let root = Hash.sha256(Array("\(path) \(version)".utf8))
        return DirectoryFile(length: Int64(root[0]) + 1, root: root, firstPiece: Int(root[1]))
    }

    static func build(_ paths: [[String]], version: Int = 0) throws -> Built {
        var built = Built()
        var builder = DirectoryBuilder()
        for path in paths { try builder.add(file(path, version: version), at: path) { built.nodes[$0] = $1 } }
        built.root = try builder.finish { built.nodes[$0] = $1 }
        return built
    }

    /// What is found at `path`, and how many bytes of nodes it took.
    static func find(_ path: [String], in built: Built) throws -> (step: DirectoryLookup.Step, bytes: Int) {
        var lookup = DirectoryLookup(folder: built.root, path: path)
        var bytes = 0
        while case .needs(let hash) = lookup.step {
            let node = try #require(built.nodes[hash])
            bytes += node.count
            try lookup.receive(node)
        }
        return (lookup.step, bytes)
    }

    static func walk(_ built: Built, recursive: Bool = true) throws -> [DirectoryWalk.Item] {
        var walk = DirectoryWalk(folder: built.root, isRecursive: recursive)
        var items: [DirectoryWalk.Item] = []
        while let hash = walk.needed { items += try walk.receive(try #require(built.nodes[hash])) }
        #expect(walk.failure == nil)
        return items
    }

    /// `count` files in a folder, named so that they ascend.
    static func flat(_ count: Int) -> [[String]] {
        (0..<count).map { ["f" + String(repeating: "0", count: 6 - String($0).count) + String($0) + ".html"] }
    }

    private static let small = [
        ["about.html"], ["css", "site.css"], ["docs", "a", "index.html"], ["docs", "b.html"], ["index.html"],
        ["é.txt"],
    ]

    @Test("every file and folder of a small site is found, everything else is absent")
    func smallSite() throws {
        let built = try Self.build(Self.small)
        for path in Self.small { #expect(try Self.find(path, in: built).step == .found(.file(Self.file(path)))) }
        for folder in [["docs"], ["docs", "a"], []] {
            guard case .found(.folder) = try Self.find(folder, in: built).step else {
                Issue.record("\(folder) is not found")
                continue
            }
        }
        for path in [
            ["x"], ["docs", "x"], ["index.html", "x"], ["a", "docs"], [""], ["docs", ".."], ["e\u{301}.txt"],
        ] {
            #expect(try Self.find(path, in: built).step == .absent)
        }
        #expect(try Self.walk(built, recursive: false).map(\.path.count) == [1, 1, 1, 1, 1])
        let files = try Self.walk(built).filter { if case .file = $0.content { true } else { false } }
        #expect(Set(files.map(\.path)) == Set(Self.small))
    }

    @Test("a directory's root is a fixed value: the vector of docs/protocols/directory.md")
    func vector() throws {
        let built = try Self.build([])
        #expect(built.nodes[built.root] == [0x82, 0x00, 0x80])
        var builder = DirectoryBuilder()
        var node: [UInt8] = []
        let file = DirectoryFile(length: 5, root: Hash.sha256(Array("hello".utf8)), firstPiece: 0)
        try builder.add(file, at: ["index.html"]) { node = $1 }
        let root = try builder.finish { node = $1 }
        #expect(
            Hex.encode(node)
                == "820081856a696e6465782e68746d6c0558202cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b98240000"
        )
        #expect(root == Hash.sha256(node))
    }

    @Test("A page of an 8,000-file site costs its own path, a few KiB")
    func cost() throws {
        let flat = try Self.build(Self.flat(8000))
        let deep = try Self.build(Self.flat(8000).enumerated().map { ["doc", "part\($0 / 1000)"] + $1 })
        for built in [flat, deep] {
            let paths = try Self.walk(built).filter { if case .file = $0.content { true } else { false } }.map(\.path)
            #expect(paths.count == 8000)
            var most = 0
            for path in stride(from: 0, to: 8000, by: 37).map({ paths[$0] }) {
                let (step, bytes) = try Self.find(path, in: built)
                #expect(step == .found(.file(Self.file(path))))
                most = max(most, bytes)
            }
            #expect(most <= 32_768)
        }
    }

    @Test("the same files give the same nodes; one more file changes its own path only; every node fits a message")
    func determinism() throws {
        let paths = Self.flat(5000)
        let first = try Self.build(paths)
        #expect(try Self.build(paths).root == first.root)
        #expect(first.nodes.values.allSatisfy { $0.count <= 15_016 })
        let more = try Self.build(Array(paths[..<2500]) + [["f002499z.html"]] + Array(paths[2500...]))
        let fresh = more.nodes.keys.filter { first.nodes[$0] == nil }
        #expect(fresh.count <= 5)
    }

    @Test("100,000 files: the directory stays near the size of its names and roots")
    func many() throws {
        var bytes = 0
        var nodes = 0
        var builder = DirectoryBuilder()
        for index in 0..<100_000 {
            let path = [
                "d" + String(1000 + index / 500), "f" + String(100_000 + index) + ".html",
            ]
            let root = Digest256(SplitMix64Bytes.make(UInt64(index)))
            let file = DirectoryFile(length: 1000, root: root, firstPiece: index)
            try builder.add(file, at: path) {
                nodes += 1
                bytes += $1.count
            }
        }
        _ = try builder.finish {
            nodes += 1
            bytes += $1.count
        }
        #expect(bytes < 100_000 * 64)
        #expect(nodes < 4000)
    }

    @Test("paths that are unordered, repeated, too long, too deep or unsafe are refused")
    func badPaths() throws {
        func outcome(_ paths: [[String]]) -> DirectoryError? {
            do throws(DirectoryError) {
                var builder = DirectoryBuilder()
                for path in paths { try builder.add(Self.file(path), at: path) { _, _ in } }
                _ = try builder.finish { _, _ in }
                return nil
            } catch { return error }
        }
        #expect(outcome([["b"], ["a"]]) == .notAscending)
        #expect(outcome([["a"], ["a"]]) == .notAscending)
        #expect(outcome([["a"], ["a", "b"]]) == .notAscending)
        #expect(outcome([["a", "x"], ["b"], ["a", "y"]]) == .notAscending)
        #expect(outcome([["..", "x"]]) == .invalidName)
        #expect(outcome([["a/b"]]) == .invalidName)
        #expect(outcome([[]]) == .invalidName)
        #expect(outcome([[String](repeating: "a", count: 65)]) == .pathTooDeep(limit: 64))
        #expect(outcome([[String(repeating: "a", count: 1025)]]) == .pathTooLong(limit: 1024))
        #expect(outcome([["a", String(repeating: "a", count: 1022)]]) == nil)
    }

    @Test("nodes that lie about their names, or refer without end, end a walk with a reason")
    func lyingNodes() throws {
        func node(_ value: CBOR) -> (Digest256, [UInt8]) { (Hash.sha256(value.encoded), value.encoded) }
        let (leafHash, leaf) = node([0, [["b", .bytes(Digest256.zero)]]])
        let (root, index) = node([1, [["a", .bytes(leafHash)]]])
        var walk = DirectoryWalk(folder: root, isRecursive: true)
        #expect(try walk.receive(index).isEmpty)
        #expect(try walk.receive(leaf).isEmpty)
        #expect(walk.failure == .invalidNode && walk.needed == nil)
        var lookup = DirectoryLookup(folder: root, path: ["b"])
        #expect(throws: DirectoryError.wrongHash) { try lookup.receive(leaf) }
        try lookup.receive(index)
        try lookup.receive(leaf)
        #expect(lookup.step == .failed(.invalidNode))

        // A folder of 64 names for one folder, 64 deep: 64^64 entries if believed.
        var (child, bytes) = node([0, []])
        var nodes = [child: bytes]
        for _ in 0..<4 {
            let entries = (0..<60).map { CBOR.array([.text("n\($0 + 100)"), .bytes(child)]) }
            (child, bytes) = node([0, .array(entries)])
            nodes[child] = bytes
        }
        var bomb = DirectoryWalk(folder: child, isRecursive: true)
        var steps = 0
        while let hash = bomb.needed, steps < 50_000 {
            _ = try bomb.receive(try #require(nodes[hash]))
            steps += 1
        }
        #expect(steps == 50_000 || bomb.failure != nil)
    }

    @Test("a few nodes that name each other cannot make gigabytes of paths")
    func manyPaths() throws {
        func node(_ value: CBOR) -> (Digest256, [UInt8]) { (Hash.sha256(value.encoded), value.encoded) }
        let file: [CBOR] = [.integer(1), .bytes(Hash.sha256([1])), .integer(0), 0]
        let names = (0..<100).map { CBOR.array([.text("f\($0 + 100)")] + file) }
        var (child, bytes) = node([0, .array(names)])
        var nodes = [child: bytes]
        for level in 0..<60 {
            let count = level < 50 ? 1 : 4
            let entries = (0..<count).map { CBOR.array([.text("n\($0)"), .bytes(child)]) }
            (child, bytes) = node([0, .array(entries)])
            nodes[child] = bytes
        }
        var walk = DirectoryWalk(folder: child, isRecursive: true, pathLimit: 1 << 20)
        var memory = 0
        while let hash = walk.needed, memory <= 2 << 20 {
            memory += try walk.receive(try #require(nodes[hash])).reduce(0) { $0 + 16 * $1.path.count }
        }
        #expect(memory <= 1 << 20 && walk.failure == .tooManyFiles(limit: 1_000_000))
    }

    @Test("damaged nodes give an error, never a trap")
    func hostileBytes() throws {
        let built = try Self.build(Self.small + Self.flat(200).map { ["é.txu"] + $0 })
        for (seed, bytes) in built.nodes.values.enumerated() {
            for damaged in HostileInput.mutations(of: bytes, count: 700, seed: UInt64(seed)) {
                guard damaged != bytes, let node = try? DirectoryNode.parse(damaged, hash: Hash.sha256(damaged)) else {
                    continue
                }
                #expect(throws: DirectoryError.wrongHash) {
                    try DirectoryNode.parse(damaged, hash: Hash.sha256(bytes))
                }
                var walk = DirectoryWalk(folder: Hash.sha256(damaged), isRecursive: false)
                _ = try walk.receive(damaged)
                withExtendedLifetime(node) {}
            }
        }
    }
}

private enum SplitMix64Bytes {
    static func make(_ seed: UInt64) -> [UInt8] {
        var random = SplitMix64(seed: seed)
        return random.bytes(32)
    }
}
