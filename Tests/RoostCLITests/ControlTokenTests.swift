// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import RoostCLI

@Suite struct ControlTokenTests {
    @Test("A token that was damaged on the disk is none, so that a new one is drawn")
    func damaged() {
        let token = String(repeating: "0f", count: 32)
        #expect(ControlToken.token(in: Array((token + "\n").utf8)) == token)
        #expect(ControlToken.token(in: [UInt8](repeating: 0, count: 65)) == nil)
        #expect(ControlToken.token(in: Array(token.dropLast().utf8)) == nil)
        #expect(ControlToken.token(in: Array(("g" + token.dropFirst()).utf8)) == nil)
        #expect(ControlToken.token(in: []) == nil)
    }
}
