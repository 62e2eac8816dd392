// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@Suite("Reading bytes in order")
struct ByteReaderTests {
    @Test("S4-05: integers of several bytes are unsigned and big-endian")
    func integers() {
        var reader = ByteReader([0x01, 0x02, 0x03, 0xFF, 0xFE, 0xFD, 0xFC, 0x80, 0, 0, 0, 0, 0, 0, 0x01])
        #expect(reader.read(UInt8.self) == 0x01)
        #expect(reader.read(UInt16.self) == 0x0203)
        #expect(reader.read(UInt32.self) == 0xFFFE_FDFC)
        #expect(reader.read(UInt64.self) == 0x8000_0000_0000_0001)
        #expect(reader.read(UInt8.self) == nil)
    }

    @Test("What is not there whole is not read, and nothing is taken")
    func short() {
        var reader = ByteReader([1, 2, 3])
        #expect(reader.read(UInt32.self) == nil)
        #expect(reader.read(count: 4) == nil)
        #expect(reader.read(count: -1) == nil)
        #expect(reader.read(Digest160.self) == nil)
        #expect(reader.read(count: 3) == [1, 2, 3])
    }
}
