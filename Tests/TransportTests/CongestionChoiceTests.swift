// SPDX-License-Identifier: Apache-2.0
internal import Testing
internal import Wire

@testable internal import Transport

@Suite struct CongestionChoiceTests {
    private static let near = IPAddress.v4(0x0A00_0001)
    private static let public4 = IPAddress.v4(0x0808_0808)

    @Test("Only a private address that is near gets the local congestion control; a far one keeps the system's")
    func choice() {
        let configuration = TCPConfiguration()
        #expect(configuration.congestionControl(for: Self.near, roundTrip: 300) == "cubic")
        #expect(configuration.congestionControl(for: .v6(high: 0xFD00 << 48, low: 1), roundTrip: 2000) == "cubic")
        #expect(configuration.congestionControl(for: Self.near, roundTrip: 2001) == nil)
        #expect(configuration.congestionControl(for: .v4(0x7F00_0001), roundTrip: 50_000) == nil)
        #expect(configuration.congestionControl(for: Self.public4, roundTrip: 300) == nil)
    }

    @Test("What is named for all others is theirs")
    func others() {
        var configuration = TCPConfiguration()
        configuration.congestionControl = "reno"
        configuration.localCongestionControl = nil
        #expect(configuration.congestionControl(for: Self.near, roundTrip: 300) == nil)
        #expect(configuration.congestionControl(for: Self.near, roundTrip: 90_000) == "reno")
        #expect(configuration.congestionControl(for: Self.public4, roundTrip: 300) == "reno")
    }
}
