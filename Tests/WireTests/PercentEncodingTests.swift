// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@Suite struct PercentEncodingTests {
    @Test("RFC 3986 §2.1: two digits in either case; a plus is a space only in forms")
    func decoding() {
        #expect(PercentEncoding.decodeText("a%20b%2F%c3%BC+".utf8) == "a b/ü+")
        #expect(PercentEncoding.decodeText("a+b%2B".utf8, plusIsSpace: true) == "a b+")
        #expect(PercentEncoding.decode("%00%ff".utf8) == [0, 255])
    }

    @Test("A broken escape stands for nothing", arguments: ["%", "a%2", "%zz", "%+1", "%-1", "% 1", "%%41", "%e"])
    func broken(text: String) {
        #expect(PercentEncoding.decode(text.utf8) == nil)
    }

    @Test(
        "Bytes that are no UTF-8 are no text",
        arguments: ["%a9", "a%a9b c", "%80", "%bf", "%ff", "%c3%28", "%ed%a0%80", "%c0%af", "%f5%80%80%80", "%e2%82"]
    )
    func noText(text: String) {
        #expect(PercentEncoding.decode(text.utf8) != nil)
        #expect(PercentEncoding.decodeText(text.utf8) == nil)
    }

    @Test("RFC 3986 §2.3: what is written has one spelling, and reads as itself")
    func encoding() {
        #expect(PercentEncoding.encode("aZ0-._~ /ü+%") == "aZ0-._~%20%2F%C3%BC%2B%25")
        let all = (0...255).map { UInt8($0) }
        #expect(PercentEncoding.decode(PercentEncoding.encode(all).utf8) == all)
    }
}
