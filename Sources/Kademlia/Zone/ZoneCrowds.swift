// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// How many records have their first address in each network (/24, /48), and the most of all; each change takes the same short
/// time, however many there are.
///
/// Memory: one number for each network with a record.
struct ZoneCrowds: Sendable {
    private var counts: [IPAddress?: Int] = [:]
    /// How many networks have so many records.
    private var networks: [Int] = [0]
    /// Of the network with the most records.
    private(set) var most = 0

    /// `place`: the prefix of the address, nil for records without one.
    func count(_ place: IPAddress?) -> Int { counts[place] ?? 0 }

    mutating func add(_ place: IPAddress?) {
        let count = count(place) + 1
        counts[place] = count
        if count > 1 { networks[count - 1] -= 1 }
        if count == networks.count { networks.append(0) }
        networks[count] += 1
        most = max(most, count)
    }

    mutating func remove(_ place: IPAddress?) {
        guard let count = counts[place] else { return }
        counts[place] = count > 1 ? count - 1 : nil
        networks[count] -= 1
        if count > 1 { networks[count - 1] += 1 }
        // All of the largest had so many, so that one less is what the next has.
        if networks[most] == 0 { most -= 1 }
    }
}
