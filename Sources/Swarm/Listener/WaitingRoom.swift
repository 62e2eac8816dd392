// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The connections that have not yet said what they want.
///
/// Nobody is turned away: who comes when the room is full takes the place of who has waited longest, first of those from the
/// same network. An honest peer says what it wants within a round trip; one that holds places silently loses them.
struct WaitingRoom<Connection: AnyObject> {
    private struct Guest {
        var connection: Connection
        var network: IPAddress
    }

    /// Places in all, and for one network.
    let capacity: Int
    let share: Int
    private var guests: [UInt64: Guest] = [:]
    private var next: UInt64 = 1

    init(capacity: Int = 256, share: Int = 32) {
        self.capacity = capacity
        self.share = share
    }

    var count: Int { guests.count }

    /// Takes a connection in.
    ///
    /// - Returns: its number, and who has to go for it.
    mutating func enter(_ connection: Connection, from address: IPAddress) -> (number: UInt64, displaced: Connection?) {
        let network = address.subscriber
        let neighbours = guests.filter { $0.value.network == network }.keys
        let leaving = neighbours.count >= share ? neighbours.min() : guests.count >= capacity ? guests.keys.min() : nil
        let displaced = leaving.flatMap { guests.removeValue(forKey: $0) }?.connection
        let number = next
        next += 1
        guests[number] = Guest(connection: connection, network: network)
        return (number, displaced)
    }

    /// Who has gone already is no concern.
    mutating func leave(_ number: UInt64) { guests[number] = nil }
}
