// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import TestSupport
import Testing
import Wire

@Suite("Local service discovery")
struct LocalDiscoveryTests {
    private static func hash(_ number: Int) -> Digest160 {
        Digest160([UInt8](repeating: 0, count: 18) + [UInt8(number >> 8), UInt8(number & 255)]) ?? .zero
    }

    private static let neighbour = IPAddress.v4(0x0A00_0002)

    private static func announcement(_ hashes: [Digest160], cookie: String? = "ffffffff") -> ArraySlice<UInt8> {
        LocalAnnouncement(port: 6881, hashes: hashes, cookie: cookie).encoded(for: .v4)[...]
    }

    private static func wakeTime(_ actions: [LocalDiscovery.Action]) -> Duration? {
        for case .wake(let time) in actions { return time }
        return nil
    }

    @Test("BEP 14: a datagram reads as the document has it, for both groups")
    func bytes() {
        let announcement = LocalAnnouncement(port: 6881, hashes: [Self.hash(258), Self.hash(3)], cookie: "0000002a")
        let zeros = String(repeating: "0", count: 36)
        let text = """
            BT-SEARCH * HTTP/1.1\r
            Host: 239.192.152.143:6771\r
            Port: 6881\r
            Infohash: \(zeros)0102\r
            Infohash: \(zeros)0003\r
            cookie: 0000002a\r
            \r
            \r

            """
        #expect(String(decoding: announcement.encoded(for: .v4), as: UTF8.self) == text)
        let v6 = String(decoding: announcement.encoded(for: .v6), as: UTF8.self)
        #expect(v6.contains("\r\nHost: [ff15::efc0:988f]:6771\r\n"))
        #expect(LocalAnnouncement(parsing: announcement.encoded(for: .v6)[...]) == announcement)
    }

    @Test("BEP 14: as many hashes as are sent at once stay within 1,400 bytes")
    func size() {
        let hashes = (1...30).map(Self.hash)
        let bytes = LocalAnnouncement(port: 65535, hashes: hashes, cookie: "ffffffff").encoded(for: .v6)
        #expect(bytes.count <= LocalAnnouncement.maximumBytes)
        #expect(LocalAnnouncement(parsing: bytes[...])?.hashes == Array(hashes.prefix(24)))
    }

    @Test("What libtorrent and Transmission send is read; headers in any case and order, unknown ones skipped")
    func others() {
        let hex = "2c6b6858d61da9543d4231a71db4b1c9264b0685"
        for text in [
            "BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: 51413\r\nInfohash: \(hex)\r\ncookie: 1a\r\n\r\n\r\n",
            "BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: 51413\r\nInfohash: \(hex)\r\n\r\n\r\n",
            "bt-search * http/1.0\r\nINFOHASH:\(hex.uppercased())\r\nX-New: a: b\r\nport:  51413 \r\n\r\n",
        ] {
            let read = LocalAnnouncement(parsing: Array(text.utf8)[...])
            #expect(read?.port == 51413)
            #expect(read?.hashes.map(\.hex) == [hex])
        }
    }

    @Test("A cookie with spaces or control characters is none; the rest of the datagram counts")
    func cookies() {
        for (cookie, expected) in [("1a2B", "1a2B"), ("a b", nil), ("a\r\u{1}", nil)] as [(String, String?)] {
            let text = "BT-SEARCH * HTTP/1.1\r\nPort: 1\r\nInfohash: \(Self.hash(1).hex)\r\ncookie: \(cookie)\r\n\r\n"
            let read = LocalAnnouncement(parsing: Array(text.utf8)[...])
            #expect(read?.port == 1 && read?.cookie == expected)
        }
    }

    @Test("What is no announcement is none, and damage never traps")
    func hostile() {
        let hex = Self.hash(1).hex
        for text in [
            "", "\r\n\r\n", "M-SEARCH * HTTP/1.1\r\nPort: 1\r\nInfohash: \(hex)\r\n\r\n",
            "BT-SEARCH * HTTP/1.1\r\nInfohash: \(hex)\r\n\r\n",
            "BT-SEARCH * HTTP/1.1\r\nPort: 0\r\nInfohash: \(hex)\r\n\r\n",
            "BT-SEARCH * HTTP/1.1\r\nPort: 70000\r\nInfohash: \(hex)\r\n\r\n",
            "BT-SEARCH * HTTP/1.1\r\nPort: 1\r\nInfohash: 12\r\n\r\n",
            "BT-SEARCH * HTTP/1.1\r\nPort 1\r\nInfohash: \(hex)\r\n\r\n",
            "BT-SEARCH * HTTP/1.1\r\nPort: 1\r\nInfohash: \(hex)\r\n" + String(repeating: "a", count: 3000)
                + ": \r\n\r\n",
        ] {
            #expect(LocalAnnouncement(parsing: Array(text.utf8)[...]) == nil)
        }
        let sample = Array(Self.announcement([Self.hash(1), Self.hash(2)]))
        for bytes in HostileInput.mutations(of: sample, count: 1000, seed: 4) + HostileInput.truncations(of: sample) {
            _ = LocalAnnouncement(parsing: bytes[...])
        }
    }

    @Test("A hash is announced at once, again after a minute, and then every five")
    func schedule() throws {
        var discovery = LocalDiscovery(listenPort: 7, cookie: 42)
        var time = try #require(Self.wakeTime(discovery.add(Self.hash(1), now: .seconds(10))))
        var announced: [Duration] = []
        while time < .seconds(1000) {
            let actions = discovery.wake(now: time)
            for case .announce(let announcement) in actions {
                #expect(announcement == LocalAnnouncement(port: 7, hashes: [Self.hash(1)], cookie: "0000002a"))
                announced.append(time)
            }
            time = try #require(Self.wakeTime(actions))
        }
        #expect(announced == [10, 70, 370, 670, 970].map { .seconds($0) })
        discovery.remove(Self.hash(1))
        #expect(discovery.wake(now: .seconds(2000)) == [])
    }

    @Test("Many hashes go out 24 to a datagram, one datagram a second, and none twice within a minute")
    func many() throws {
        var discovery = LocalDiscovery(listenPort: 7, cookie: 42)
        var wake: Duration?
        for number in 1...100 { wake = Self.wakeTime(discovery.add(Self.hash(number), now: .zero)) ?? wake }
        var last: [Digest160: Duration] = [:]
        var times: [Duration] = []
        while let time = wake, time < .seconds(400) {
            let actions = discovery.wake(now: time)
            for case .announce(let announcement) in actions {
                times.append(time)
                #expect(announcement.hashes.count <= 24)
                for hash in announcement.hashes {
                    if let before = last[hash] { #expect(time - before >= .seconds(60)) }
                    last[hash] = time
                }
            }
            wake = Self.wakeTime(actions)
        }
        #expect(times.prefix(5) == [.zero, .seconds(1), .seconds(2), .seconds(3), .seconds(4)])
        #expect(last.count == 100)
    }

    @Test("Who announces one of our hashes is a peer; others, and we ourselves, are not")
    func peers() {
        var discovery = LocalDiscovery(listenPort: 7, cookie: 42)
        _ = discovery.add(Self.hash(1), now: .zero)
        let theirs = Self.announcement([Self.hash(2), Self.hash(1)])
        let actions = discovery.receive(theirs, from: Self.neighbour, now: .zero)
        #expect(actions.first == .peer(Self.hash(1), Endpoint(Self.neighbour, port: 6881)))
        #expect(actions.count == 2)
        let own = Self.announcement([Self.hash(1)], cookie: "0000002a")
        #expect(discovery.receive(own, from: Self.neighbour, now: .zero) == [])
        let other = Self.announcement([Self.hash(2)])
        #expect(discovery.receive(other, from: Self.neighbour, now: .zero) == [])
        for source in [IPAddress("fe80::1"), IPAddress("0.0.0.0"), IPAddress("224.0.0.1")] {
            #expect(discovery.receive(theirs, from: source ?? Self.neighbour, now: .zero) == [])
        }
    }

    @Test("Hearing a newcomer brings our announcement forward, but not within a minute of the last")
    func answer() throws {
        var discovery = LocalDiscovery(listenPort: 7, cookie: 42)
        _ = discovery.add(Self.hash(1), now: .zero)
        _ = discovery.wake(now: .zero)
        _ = discovery.wake(now: .seconds(60))
        let early = discovery.receive(Self.announcement([Self.hash(1)]), from: Self.neighbour, now: .seconds(90))
        #expect(Self.wakeTime(early) == .seconds(120))
        _ = discovery.wake(now: .seconds(120))
        let late = discovery.receive(Self.announcement([Self.hash(1)]), from: Self.neighbour, now: .seconds(200))
        #expect(Self.wakeTime(late) == .seconds(201))
    }

    @Test("From one source no more than 64 names a minute are believed, and no more than 256 sources")
    func flood() {
        var discovery = LocalDiscovery(listenPort: 7, cookie: 42)
        _ = discovery.add(Self.hash(1), now: .zero)
        func heard(_ source: UInt32, _ now: Duration) -> Int {
            discovery.receive(Self.announcement([Self.hash(1)]), from: .v4(0x0A00_0000 + source), now: now).count {
                if case .peer = $0 { true } else { false }
            }
        }
        #expect((0..<100).reduce(0) { sum, _ in sum + heard(1, .zero) } == 64)
        #expect((2..<400).reduce(0) { $0 + heard($1, .zero) } == 255)
        #expect(heard(1, .seconds(61)) == 1)
    }
}
