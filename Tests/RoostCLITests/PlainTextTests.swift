// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import RoostCLI

@Suite struct PlainTextTests {
    @Test(
        "A stranger's name is never obeyed by the terminal",
        arguments: [
            "\u{1B}]0;owned\u{7}", "\u{1B}[2J", "\u{9B}31m", "a\rb", "\u{7F}", "exe.\u{202E}gpj", "\u{2066}x\u{2069}",
            "a\u{2028}b",
        ]
    )
    func controls(name: String) {
        for text in [PlainText.word(name), PlainText.lines(name)] {
            #expect(text.unicodeScalars.count == name.unicodeScalars.count && text.contains("\u{FFFD}"))
            #expect(
                !text.unicodeScalars.contains {
                    $0.properties.generalCategory == .control || $0.properties.isBidiControl
                }
            )
        }
    }

    @Test("Our lines stay lines, and a stranger's word stays in its line")
    func lines() {
        #expect(PlainText.lines("one\n\ttwo") == "one\n\ttwo")
        #expect(PlainText.word("one\n2  forged") == "one\u{FFFD}2  forged")
        #expect(PlainText.word("Grüße, 世界 😀 שלום") == "Grüße, 世界 😀 שלום")
    }
}
