// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@Suite("Byte counts and sensitive values")
struct ByteCountTests {
    @Test(
        "Reads binary and decimal units",
        arguments: [
            ("0", 0), ("512", 512), ("512 B", 512), ("1kB", 1000), ("1KiB", 1024), ("10 mib", 10 << 20),
            ("1.5GiB", 3 << 29),
            ("0.5 TB", 500_000_000_000), ("8191TiB", 8191 << 40), ("1.999999999 KiB", 2047),
        ] as [(String, Int64)]
    )
    func parse(text: String, bytes: Int64) {
        #expect(ByteCount(text)?.bytes == bytes)
    }

    @Test(
        "Refuses what is no size",
        arguments: [
            "", "-1", "+1", "1 XB", "1.", ".5", "1.2.3", "1e3", "KiB", "9999999999999999999", "9000000 TiB",
            "1.1234567890KiB", "1 K", "\u{661}",
        ]
    )
    func refuse(text: String) {
        #expect(ByteCount(text) == nil)
    }

    @Test(
        "Prints for people, rounded down",
        arguments: [
            (0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1536, "1.5 KiB"), (20 << 20, "20 MiB"),
            (1 << 20 - 1, "1023 KiB"), (Int64.max, "7.9 EiB"),
        ]
            as [(Int64, String)]
    )
    func prints(bytes: Int64, text: String) {
        #expect(ByteCount(bytes).description == text)
    }
}
