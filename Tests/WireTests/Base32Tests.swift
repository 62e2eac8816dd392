// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing
import Wire

@Suite("Base32 (RFC 4648 §6)")
struct Base32Tests {
    @Test(
        "RFC 4648 §10, without padding",
        arguments: [
            ("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foob", "MZXW6YQ"), ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ]
    )
    func vectors(plain: String, text: String) {
        #expect(Base32.encode(plain.utf8, uppercase: true) == text)
        #expect(Base32.encode(plain.utf8) == text.lowercased())
        #expect(Base32.decode(text) == Array(plain.utf8))
        #expect(Base32.decode(text.lowercased()) == Array(plain.utf8))
    }

    @Test("Text of no bytes is refused: other characters, bits left over, impossible lengths")
    func refused() {
        for text in ["M", "MZX", "MZXW6Y", "MZ", "MZXR", "0", "1", "8", "MY======", "M Y", "\u{17f}y", "\u{e9}"] {
            #expect(Base32.decode(text) == nil, "\(text)")
        }
    }

    @Test("32 bytes are 52 characters, which fit a DNS label; every seeded value comes back")
    func siteLabels() {
        var random = SplitMix64(seed: 8)
        for _ in 0..<500 {
            let bytes = random.bytes(32)
            let label = Base32.encode(bytes)
            #expect(label.utf8.count == 52)
            #expect(Base32.decode(label) == bytes)
        }
    }
}
