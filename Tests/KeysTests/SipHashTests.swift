// SPDX-License-Identifier: Apache-2.0
import Keys
import Testing

@Suite struct SipHashTests {
    private static let key: (UInt64, UInt64) = (0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908)

    @Test("SipHash-2-4, appendix A of the paper: 15 bytes 00…0e under the key 00…0f")
    func paper() {
        var hash = SipHash(key: Self.key)
        hash.add(0x0706_0504_0302_0100)
        #expect(hash.finish(tail: 0x0E_0D0C_0B0A_0908, tailCount: 7) == 0xA129_CA61_49BE_45E5)
    }

    @Test("The reference implementation's first vectors: no byte, and eight")
    func reference() {
        #expect(SipHash(key: Self.key).finish() == 0x726F_DB47_DD0E_0E31)
        var hash = SipHash(key: Self.key)
        hash.add(0x0706_0504_0302_0100)
        #expect(hash.finish() == 0x93F5_F579_9A93_2462)
    }
}
