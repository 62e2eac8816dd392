// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// For the simulator's table of attacks: what one connection that names addresses without end (BEP 11) makes a session dial.
package enum PeerExchangeTrial {
    /// - Returns: how many of 1,000 ports of one host are dialled.
    package static func portsOfVictim(isBounded: Bool) -> (dialled: Int, named: Int) {
        run(isBounded) { Endpoint(.v4(0x0B00_0001), port: UInt16($0 + 1)) }
    }

    /// - Returns: how many of 1,000 hosts.
    package static func hosts(isBounded: Bool) -> (dialled: Int, named: Int) {
        run(isBounded) { Endpoint(.v4(0x0B00_0001 + UInt32($0) << 8), port: 6881) }
    }

    private static func run(_ isBounded: Bool, _ address: (Int) -> Endpoint) -> (dialled: Int, named: Int) {
        var book = PeerBook()
        book.isTrusting = !isBounded
        let named = 1000
        for number in 0..<named {
            book.add(address(number), source: .pex, teller: ConnectionID(1), now: .zero)
        }
        return (book.entries.count, named)
    }
}
