// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@Suite("Text of strangers")
struct RepairedTextTests {
    @Test("is kept as it is within its bound")
    func kept() {
        #expect(String(repairing: Array("µTorrent 3".utf8), atMost: 128) == "µTorrent 3")
        #expect(String(repairing: [], atMost: 128).isEmpty)
    }

    @Test("stays within its bound where bytes that are no UTF-8 become longer")
    func repaired() {
        let text = String(repairing: [UInt8](repeating: 0xFF, count: 96), atMost: 128)
        #expect(text.utf8.count == 126)
        #expect(String(repairing: Array(text.utf8), atMost: 128) == text)
    }

    @Test("is not cut within a character, and reads the same again", arguments: 0...9)
    func cut(bound: Int) {
        let text = String(repairing: Array("aé€😀".utf8), atMost: bound)
        #expect(text.utf8.count <= bound)
        #expect(String(repairing: Array(text.utf8), atMost: bound) == text)
    }
}
