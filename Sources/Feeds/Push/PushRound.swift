// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Which keepers one push asks, until enough have stored the release.
///
///     gathering ──every search ended, or time is up──▶ asking ──enough stored, or nobody is left──▶ done
///
/// Keepers are asked in random order, all of them equally likely (S0-20), and no more at a time than copies are wanted
/// still; who does not store is replaced by the next. Memory: at most ``maximumKeepers`` endpoints.
public struct PushRound: Sendable {
    /// What the driver does: connections and timers are its own.
    public enum Action: Equatable, Sendable {
        /// Offer the release to this keeper, and call ``ended(_:stored:)`` once.
        case ask(Endpoint)
        case finish
    }

    /// Keepers of one round, asked or not; those found later are left out.
    public static let maximumKeepers = 4096

    private let wanted: Int
    private var seen: Set<Endpoint> = []
    private var waiting: [Endpoint] = []
    private var isAsking = false
    /// Those that were asked and have not answered, at most ``wanted``.
    private var asked: Set<Endpoint> = []
    /// Keepers that stored it, in the order in which they said so.
    public private(set) var stored: [Endpoint] = []
    /// Keepers that were asked and did not store it.
    public private(set) var refused = 0

    /// `own`: our own addresses, which are never asked.
    public init(wanted: Int, own: [Endpoint] = []) {
        self.wanted = wanted
        seen = Set(own)
    }

    /// How many keepers were found.
    public var known: Int { waiting.count + asked.count + stored.count + refused }

    /// Enough have stored it, or nobody is left to be asked.
    public var isDone: Bool { stored.count >= wanted || isAsking && asked.isEmpty && waiting.isEmpty }

    /// Keepers from the DHT. Those found once asking has begun are asked last.
    public mutating func found(_ endpoints: [Endpoint]) -> [Action] {
        for endpoint in endpoints where known < Self.maximumKeepers && seen.insert(endpoint).inserted {
            waiting.append(endpoint)
        }
        return isAsking ? proceed() : []
    }

    /// Everybody who can be found has been.
    public mutating func begin(using random: inout some RandomNumberGenerator) -> [Action] {
        guard !isAsking else { return [] }
        isAsking = true
        waiting.sort { $0.description < $1.description }
        waiting.shuffle(using: &random)
        return proceed()
    }

    /// The keeper answered, or did not. One that was not asked changes nothing.
    public mutating func ended(_ endpoint: Endpoint, stored hasStored: Bool) -> [Action] {
        guard asked.remove(endpoint) != nil else { return [] }
        if hasStored { stored.append(endpoint) } else { refused += 1 }
        return proceed()
    }

    private mutating func proceed() -> [Action] {
        var actions: [Action] = []
        while !waiting.isEmpty, stored.count + asked.count < wanted {
            let endpoint = waiting.removeFirst()
            asked.insert(endpoint)
            actions.append(.ask(endpoint))
        }
        return isDone ? actions + [.finish] : actions
    }
}
