// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing
import Wire

@testable import Transport

@Suite("Port control (RFC 6887) and NAT-PMP (RFC 6886)")
struct PortControlTests {
    private static let nonce = Hex.decode("d4c184fdcd83beb942870781") ?? []

    private static func request(_ transport: PortMapping.Kind = .tcp) -> PortControl.Request {
        PortControl.Request(
            transport: transport,
            internalPort: 6881,
            externalPort: 6881,
            lifetime: .seconds(3600),
            nonce: nonce,
            client: .v4(0xC0A8_4D02)
        )
    }

    @Test("RFC 6887 §7.1, §11.1: a MAP request has 60 bytes, addresses of IPv4 written into IPv6")
    func pcpRequest() {
        #expect(
            Hex.encode(Self.request().pcp)
                == "0201000000000e1000000000000000000000ffffc0a84d02d4c184fdcd83beb942870781060000001ae11ae1"
                + "00000000000000000000ffff00000000"
        )
    }

    @Test("RFC 6887 §11.1: for IPv6 our address stands as it is, and no wish for one outside is the zero address")
    func pinholeRequest() throws {
        var request = Self.request(.udp)
        request.client = try #require(IPAddress("2a00:1450:4001::77"))
        #expect(
            Hex.encode(request.pcp)
                == "0201000000000e102a001450400100000000000000000077d4c184fdcd83beb942870781110000001ae11ae1"
                + "00000000000000000000000000000000"
        )
    }

    @Test("RFC 6886 §3.3: a NAT-PMP request has 12 bytes, 1 for UDP and 2 for TCP")
    func natPMPRequest() {
        #expect(Hex.encode(Self.request(.udp).natPMP) == "000100001ae11ae100000e10")
        #expect(Hex.encode(Self.request(.tcp).natPMP) == "000200001ae11ae100000e10")
    }

    @Test("What miniupnpd 2.3.1 answered is read: a mapping by PCP, one by NAT-PMP, a refusal")
    func answers() throws {
        let pcp = try #require(
            Hex.decode(
                "0281000000000e1000000001000000000000000000000000d4c184fdcd83beb942870781060000001ae11ae1"
                    + "00000000000000000000ffff0b16212c"
            )
        )
        let expected = PortMapping(
            transport: .tcp,
            internalPort: 6881,
            externalPort: 6881,
            externalAddress: IPAddress("11.22.33.44"),
            lifetime: .seconds(3600),
            method: .pcp
        )
        #expect(PortControl.parse(pcp[...], to: Self.request()) == .mapped(expected))
        #expect(PortControl.parse(pcp[...], to: Self.request(.udp)) == nil)
        let natPMP = try #require(Hex.decode("00810000000000011ae11ae100000e10"))
        guard case .mapped(let mapping)? = PortControl.parse(natPMP[...], to: Self.request(.udp)) else {
            Issue.record("not read")
            return
        }
        #expect(mapping.externalPort == 6881)
        #expect(mapping.method == .natPMP)
        #expect(PortControl.parse(natPMP[...], to: Self.request(.tcp)) == nil)
        var refused = pcp
        refused[3] = 8
        #expect(PortControl.parse(refused[...], to: Self.request()) == .refused(8))
        #expect(
            PortControl.parse([0, 0x82, 0, 3, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0], to: Self.request()) == .refused(3)
        )
    }

    @Test("RFC 6886 §3.5: a gateway that answers PCP with version 0 and result 1 speaks NAT-PMP only")
    func fallback() {
        #expect(PortControl.parse([0, 0x81, 0, 1, 0, 0, 0, 9], to: Self.request()) == .onlyNATPMP)
    }

    @Test("RFC 6886 §3.2: the address on the other side")
    func address() {
        #expect(PortControl.parseAddress([0, 128, 0, 0, 0, 0, 0, 1, 11, 22, 33, 44]) == IPAddress("11.22.33.44"))
        #expect(PortControl.parseAddress([0, 128, 0, 3, 0, 0, 0, 1, 11, 22, 33, 44]) == nil)
    }

    @Test("Damaged answers never trap, and an answer to somebody else is none")
    func hostile() throws {
        let pcp = try #require(
            Hex.decode(
                "0281000000000e1000000001000000000000000000000000d4c184fdcd83beb942870781060000001ae11ae1"
                    + "00000000000000000000ffff0b16212c"
            )
        )
        for bytes in HostileInput.mutations(of: pcp, count: 1000, seed: 1) + HostileInput.truncations(of: pcp) {
            _ = PortControl.parse(bytes[...], to: Self.request())
            _ = PortControl.parseAddress(bytes[...])
        }
        var other = pcp
        other[24] ^= 1
        #expect(PortControl.parse(other[...], to: Self.request()) == nil)
    }

    @Test("The gateway is that of the default route with the lowest metric")
    func gateway() {
        let routes = """
            Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
            wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0
            eth0\t00000000\t014DA8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
            eth0\t004DA8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
            """
        #expect(GatewayClient.defaultGateway(routes: routes) == IPAddress("192.168.77.1"))
        #expect(GatewayClient.defaultGateway(routes: "Iface\tDestination\n") == nil)
        #expect(GatewayClient.defaultGateway(routes: "") == nil)
    }

    @Test("RFC 6887 §8.1: for IPv6 it is the next hop of the default route with the lowest metric, over its interface")
    func gatewaySix() {
        let none = "00000000000000000000000000000000"
        let first = "fe800000000000000000000000000001"
        let second = "fe800000000000000000000000000002"
        let routes = """
            2a001450400100000000000000000000 40 \(none) 00 \(none) 00000100 00000001 00000000 00000001     eth0
            \(none) 00 \(none) 00 \(first) 00000400 00000001 00000000 00000003    wlan0
            \(none) 00 \(none) 00 \(second) 00000100 00000001 00000000 00000003     eth0
            \(none) 00 \(none) 00 \(first) 00000010 00000001 00000000 00000203     eth1
            \(none) 00 \(none) 00 \(none) ffffffff 00000001 00000000 00200200       lo
            """
        #expect(
            IPAddress("fe80::2").map { SixRoute(gateway: $0, interface: "eth0") } == SixRoute(routes: routes)
        )
        #expect(SixRoute(routes: "") == nil)
        #expect(SixRoute(routes: "\(none) 00 \(none) 00 zz 00000100 00000001 00000000 00000003 eth0") == nil)
    }

    @Test("A mapping is renewed at half of its time, within bounds; where there is none, it is asked for again later")
    func renewal() {
        func pause(_ seconds: Int64) -> Duration {
            PortMapper.pause([
                PortMapping(
                    transport: .tcp,
                    internalPort: 1,
                    externalPort: 1,
                    externalAddress: nil,
                    lifetime: .seconds(seconds),
                    method: .upnp
                )
            ])
        }
        #expect(pause(3600) == .seconds(1800))
        #expect(pause(600) == .seconds(300))
        #expect(pause(1) == .seconds(60))
        #expect(pause(1 << 31) == .seconds(1800))
        #expect(pause(0) == .seconds(1800))
        #expect(PortMapper.pause([]) == .seconds(900))
    }
}
