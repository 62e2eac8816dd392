// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Whether anybody is heard in a family.
///
/// A machine may have sockets of a family and no way out for them: no route, or one that leads nowhere. What nodes of the
/// other family name there is then not asked, and no list of it is wanted, for a pause that doubles from one minute to 16. Who is
/// in the table already, and entrances, are asked all the same: so the family comes back when the way does.
struct FamilyHearing {
    /// Queries in a row that nobody has answered yet.
    private var unanswered = 0
    private var pause = Duration.seconds(60)
    private var deafUntil: Instant?

    /// That many are no accident where nobody has ever answered.
    private static let patience = 8
    private static let longestPause = Duration.seconds(960)

    func isDeaf(now: Instant) -> Bool { deafUntil.map { now < $0 } ?? false }

    mutating func heard() { self = FamilyHearing() }

    /// A query is overdue. `knowsNobody`: the table is empty.
    mutating func wasUnanswered(knowsNobody: Bool, now: Instant) {
        unanswered += 1
        if knowsNobody, unanswered >= Self.patience { stopUp(now: now) }
    }

    /// The system had no way to send there.
    mutating func hadNoWay(now: Instant) { stopUp(now: now) }

    private mutating func stopUp(now: Instant) {
        guard !isDeaf(now: now) else { return }
        unanswered = 0
        deafUntil = now + pause
        pause = min(pause * 2, Self.longestPause)
    }
}

/// The two networks of one node (BEP 32): a table, an id and an address for each.
extension DHTNode {
    /// The id in the network of the family, as its nodes know us.
    public func id(_ family: AddressFamily) -> NodeID { ids[family.rawValue] }

    /// The id in the first network taken part in: IPv4's, if it is.
    public var id: NodeID { id(configuration.families.contains(.v4) ? .v4 : .v6) }

    func isOwn(_ id: NodeID) -> Bool { ids.contains(id) }

    /// The address that others reach us at, as far as it is known.
    public func address(_ family: AddressFamily) -> IPAddress? {
        configuration.localAddress(family) ?? confirmedAddresses[family.rawValue]
    }

    /// How many nodes the table of one family lists.
    public func nodeCount(_ family: AddressFamily) -> Int { tables[family.rawValue].count }

    static func drawIDs(
        _ id: NodeID?,
        _ id6: NodeID?,
        _ configuration: DHTConfiguration,
        _ generator: inout SecretGenerator
    ) -> [NodeID] {
        func drawn(for family: AddressFamily) -> NodeID? {
            guard let address = configuration.localAddress(family), !address.isLocal else { return nil }
            return .secured(for: address, using: &generator)
        }
        // BEP 32 asks for one id in both networks, BEP 42 for one that fits the address: the same where both can be had.
        guard let id else {
            let v4 = drawn(for: .v4)
            let v6 = drawn(for: .v6)
            let any = v4 ?? v6 ?? .random(using: &generator)
            return [v4 ?? any, v6 ?? any]
        }
        return [id, id6 ?? id]
    }

    /// The driver could not send to `endpoint`: the system has no way there.
    public mutating func hadNoWay(to endpoint: Endpoint, now: Instant) -> [Action] {
        let sent = pending.filter { $0.value.endpoint == endpoint }
        guard !sent.isEmpty else { return [] }
        hearing[endpoint.family.rawValue].hadNoWay(now: now)
        for (transaction, query) in sent.sorted(by: { $0.key < $1.key }) {
            pending[transaction] = nil
            switch query.purpose {
            case .ping: break
            case .zone(let question): failedZone(question, at: endpoint, now: now)
            case .lookup(let operation):
                for index in operations[operation]?.lookups.indices ?? 0..<0 {
                    operations[operation]?.lookups[index].failed(endpoint)
                }
                advance(operation, now: now)
            case .store(let operation):
                operations[operation]?.attempts[endpoint] = .silent
                advance(operation, now: now)
            }
        }
        return flush()
    }
}
