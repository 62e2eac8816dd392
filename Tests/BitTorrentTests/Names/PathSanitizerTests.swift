// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import TestSupport
import Testing

@Suite("Names from outside")
struct PathSanitizerTests {
    @Test(
        "each dangerous name becomes a plain one, and says why",
        arguments: [
            ("", "_", .empty), (".", "_", .dots), ("..", "__", .dots), ("...", "___", .dots), ("a.", "a_", .dots),
            ("a ", "a_", .dots), ("a. .", "a___", .dots), ("/etc/passwd", "_etc_passwd", .reservedCharacter),
            ("..\\x", ".._x", .reservedCharacter), ("C:", "C_", .reservedCharacter),
            ("a\0b", "a_b", .invisible), ("a\nb", "a_b", .invisible), ("exe\u{202E}txt", "exe_txt", .invisible),
            ("a\u{FFFD}", "a_", .invalidText), ("NUL", "_NUL", .deviceName), ("com1.txt", "_com1.txt", .deviceName),
            ("aux .h", "_aux .h", .deviceName), ("lpt\u{B9}", "_lpt\u{B9}", .deviceName),
            ("a:b?", "a_b_", .reservedCharacter), ("clock$", "_clock$", .deviceName),
            ("Prn .x", "_Prn .x", .deviceName),
            ("LPT9.tar.gz", "_LPT9.tar.gz", .deviceName), (" con", "_ con", .deviceName),
            ("CONOUT$", "_CONOUT$", .deviceName),
        ] as [(String, String, NameChanges)]
    )
    func component(name: String, expected: String, change: NameChanges) {
        let result = PathSanitizer.sanitize(name: name)
        #expect(result.name == expected)
        #expect(result.changes == change)
    }

    @Test(
        "ordinary names stay as they are",
        arguments: [
            "index.html", ".hidden", "..a", "com10", "console", "nulls.txt", " a", "日本語.txt", "👩‍👧", "a..b", "com", "~",
        ]
    )
    func unchanged(name: String) {
        let result = PathSanitizer.sanitize(name: name)
        #expect(result.name == name && result.changes.isEmpty)
    }

    @Test("a name over 255 bytes is cut between characters, keeps its ending and stays distinct")
    func long() {
        let first = PathSanitizer.sanitize(name: String(repeating: "ä", count: 200) + "1.html").name
        let second = PathSanitizer.sanitize(name: String(repeating: "ä", count: 200) + "2.html").name
        #expect(first.utf8.count <= 255 && first.hasSuffix(".html"))
        #expect(first != second)
    }

    private func paths(_ all: [[String]]) throws -> [String] {
        var sanitizer = PathSanitizer()
        return try all.map { try sanitizer.add($0).description }
    }

    @Test("the first of two colliding names keeps it: same, other case, other composition, made same by a rule")
    func collisions() throws {
        #expect(try paths([["a.txt"], ["A.TXT"], ["a.txt"]]) == ["a.txt", "A (2).TXT", "a (3).txt"])
        #expect(try paths([["\u{E9}"], ["e\u{301}"]]).count == 2)
        #expect(try paths([["\u{E9}"], ["e\u{301}"]])[1].hasSuffix(" (2)"))
        #expect(try paths([["a?"], ["a_"]]) == ["a_", "a_ (2)"])
    }

    @Test("folders that differ in case become one; a folder where a file stands gets a number, the same for all in it")
    func folders() throws {
        #expect(try paths([["Dir", "a"], ["dir", "b"], ["DIR", "A"]]) == ["Dir/a", "Dir/b", "Dir/A (2)"])
        #expect(try paths([["x"], ["x", "1"], ["X", "2"]]) == ["x", "x (2)/1", "x (2)/2"])
        #expect(try paths([["x", "1"], ["x"]]) == ["x/1", "x (2)"])
    }

    @Test("a path without a name, too deep or too long is refused")
    func refused() {
        #expect(throws: PathError.empty) { try PathSanitizer.sanitize([String]()) }
        #expect(throws: PathError.tooDeep(limit: 64)) {
            try PathSanitizer.sanitize(Array(repeating: "a", count: 65))
        }
        #expect(throws: PathError.tooLong(limit: 1024)) {
            try PathSanitizer.sanitize(Array(repeating: String(repeating: "b", count: 200), count: 6))
        }
    }

    @Test("whatever comes in, no result leaves its folder, and no two are the same anywhere")
    func hostile() throws {
        let parts = [
            "..", ".", "", "/", "\\", "a", "A", "CON", "nul.txt", "a ", "é", "e\u{301}", "\u{202E}", "C:", "x\0", "~",
            "a (2)",
            "a_", "a/../b", String(repeating: "z", count: 300), "a.b", "A.B", "a (2).b", "\u{FFFD}", "ß", "SS",
        ]
        var random = SplitMix64(seed: 5)
        for _ in 0..<60 {
            var sanitizer = PathSanitizer()
            var seen: Set<String> = []
            for _ in 0..<60 {
                let path = (0..<Int.random(in: 1...3, using: &random)).map { _ in
                    parts.randomElement(using: &random) ?? ""
                }
                guard let result = try? sanitizer.add(path) else { continue }
                for name in result.components {
                    #expect(!name.isEmpty && name != "." && name != ".." && name.utf8.count <= 255)
                    #expect(!name.contains { "/\\:*?\"<>|\0".contains($0) })
                    #expect(PathSanitizer.sanitize(name: name).changes.isEmpty)
                }
                #expect(seen.insert(result.description.lowercased()).inserted)
            }
        }
    }

    @Test("ten thousand files of one name take no quadratic time")
    func many() throws {
        var sanitizer = PathSanitizer()
        var last = ""
        for _ in 0..<10_000 { last = try sanitizer.add(["same.txt"]).description }
        #expect(last == "same (10000).txt")
    }
}
