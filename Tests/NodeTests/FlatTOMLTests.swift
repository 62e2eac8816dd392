// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@testable import Node

@Suite("The part of TOML that settings need")
struct FlatTOMLTests {
    struct Case: Decodable, Sendable, CustomTestStringConvertible {
        struct Value: Decodable, Sendable {
            var key: String
            var text: String?
            var number: Int64?
            var toggle: Bool?
            var list: [String]?
        }

        var text: String
        var values: [Value]?
        var testDescription: String { text.debugDescription }

        var entries: [String: FlatTOML.Value]? {
            values.map { values in
                Dictionary(uniqueKeysWithValues: values.map { ($0.key, Self.value($0)) })
            }
        }

        private static func value(_ value: Value) -> FlatTOML.Value {
            if let text = value.text { return .text(text) }
            if let number = value.number { return .number(number) }
            if let toggle = value.toggle { return .toggle(toggle) }
            return .list(value.list ?? [])
        }
    }

    @Test("TOML 1.0: reads what Python's tomllib reads, and refuses what it refuses")
    func cases() throws {
        let cases = try Vectors.json("toml/cases.json", as: [Case].self)
        #expect(cases.count > 90)
        for item in cases {
            let read = (try? FlatTOML.parse(item.text)).map { entries in
                Dictionary(uniqueKeysWithValues: entries.map { ($0.key, $0.value) })
            }
            #expect(read == item.entries, "\(item.text.debugDescription)")
        }
    }

    @Test(
        "A problem names its line",
        arguments: [("a = 1\nb = \n", 2), ("[x]", 1), ("a = ['x'\n\n", 3), ("a = 1\n\na = 2", 3)]
    )
    func problems(text: String, line: Int) {
        let problem = #expect(throws: FlatTOML.Problem.self) { try FlatTOML.parse(text) }
        #expect(problem?.line == line)
    }

    @Test("Any text can be written between quotes and read again")
    func quoted() throws {
        for text in ["", "plain", "q\"b\\s", "tab\tnew\nline\r\u{0}\u{7F}", "ü 😀", "\u{85}\u{2028}"] {
            let entries = try FlatTOML.parse("a = " + FlatTOML.quoted(text))
            #expect(entries.map(\.value) == [.text(text)])
        }
    }
}
