// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing
import Wire

@Suite("Addresses and endpoints")
struct AddressTests {
    @Test(
        "RFC 5952 §4: the one text of an IPv6 address",
        arguments: [
            ("2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1"),
            ("2001:db8::0:1", "2001:db8::1"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
            ("2001:DB8::ABCD", "2001:db8::abcd"),
            ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("fe80::", "fe80::"),
            ("::ffff:192.0.2.128", "::ffff:c000:280"),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
        ]
    )
    func textOfIPv6(given: String, expected: String) throws {
        let address = try #require(IPAddress(given))
        #expect(!address.isV4)
        #expect(address.description == expected)
        #expect(IPAddress(address.bytes) == address)
    }

    @Test("IPv4 is dotted decimal without leading zeros")
    func textOfIPv4() throws {
        #expect(IPAddress("192.0.2.1") == .v4(0xC000_0201))
        #expect(IPAddress("255.255.255.255")?.description == "255.255.255.255")
    }

    @Test(
        "What is no address is refused",
        arguments: [
            "", ":", ":::", "::1::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "12345::",
            "::g", "::+1", "::-0", "1.2.3.4::1", "1.2.3.4::", "::1.2.3", "::1.2.3.4:5", "::1%eth0", " ::1", "[::1]",
            "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", "1..2.3", "+1.2.3.4", "0x1.2.3.4", "1.2.3.-0",
            "\u{FF11}.2.3.4",
        ]
    )
    func notAnAddress(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test("Loopback, private and link-local addresses are told from public ones")
    func locality() throws {
        for text in [
            "127.8.9.1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.1.1", "::1", "fd00::1",
            "fe80::1",
        ] {
            #expect(try #require(IPAddress(text)).isLocal, "\(text)")
        }
        for text in ["8.8.8.8", "172.32.0.1", "172.15.0.1", "192.169.0.1", "11.0.0.1", "2001:db8::1", "fec0::1", "::2"]
        {
            #expect(try !#require(IPAddress(text)).isLocal, "\(text)")
        }
    }

    @Test("An endpoint prints with its port, an IPv6 one in brackets, and reads back")
    func endpointText() throws {
        for text in ["127.0.0.1:6881", "[::1]:1", "[2001:db8::1]:65535", "1.2.3.4:0"] {
            #expect(try #require(Endpoint(text)).description == text)
        }
        for text in [
            "", ":1", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4:+1", "::1:80", "[1.2.3.4]:80",
            "[::1]", "[::1:80", "host:80",
        ] {
            #expect(Endpoint(text) == nil, "\(text)")
        }
    }

    @Test("Compact peer info is 6 bytes for IPv4 (BEP 23), 18 for IPv6 (BEP 7), nothing else")
    func compact() throws {
        let bytes = Array("axje.u".utf8)
        #expect(Endpoint(compact: bytes)?.description == "97.120.106.101:11893")
        #expect(Endpoint(compact: bytes)?.compact == bytes)
        for count in 0..<40 where count != 6 && count != 18 {
            #expect(Endpoint(compact: [UInt8](repeating: 1, count: count)) == nil)
        }
        var random = SplitMix64(seed: 3)
        for _ in 0..<500 {
            let bytes = random.bytes(18)
            let endpoint = try #require(Endpoint(compact: bytes))
            #expect(endpoint.compact == bytes)
            #expect(Endpoint(endpoint.description) == endpoint)
        }
    }

    @Test("Damaged texts give an address or none: 4,000 seeded cases")
    func hostile() {
        for sample in ["[2001:db8::1:0:0:1]:65535", "192.0.2.128:6881"] {
            for bytes in HostileInput.mutations(of: Array(sample.utf8), count: 2000, seed: 4) {
                let text = String(decoding: bytes, as: UTF8.self)
                guard let endpoint = Endpoint(text) else { continue }
                #expect(Endpoint(endpoint.description) == endpoint)
            }
        }
    }
}
