// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import OrderedCollections
internal import Wire

/// Finding what telling has missed, and what a newcomer lacks.
extension ZoneMachine {
    /// So many new digests from one answer are much.
    private static var muchNews: Int { 8 }

    mutating func compare(
        _ willing: [Endpoint],
        now: Instant,
        using generator: inout SecretGenerator
    ) -> [Action] {
        guard !willing.isEmpty, wallAtZero != nil else {
            nextComparison = now + .milliseconds(500)
            return []
        }
        let isOpening = openings > 0
        openings = max(0, openings - 1)
        let pause = isOpening ? Duration.seconds(1) : ZoneSpecification.comparison
        nextComparison = now + pause * Int.random(in: 90...110, using: &generator) / 100
        let count = isOpening ? 2 : 1
        return chosen(count, of: willing, using: &generator).map { partner in
            let from = Int.random(in: 0..<ZoneSpecification.buckets, using: &generator)
            return .ask(query(.compare(register.allSums(), from: from), to: partner, now: now), partner)
        }
    }

    /// While comparing brings much it goes on, with others too; with one partner while he brings anything, and once around at most.
    mutating func compared(
        _ query: ZoneQuery,
        from: Int,
        with answer: ZoneAnswer,
        at source: Endpoint,
        now: Instant
    ) -> [Action] {
        let before = wanted.count
        consider(answer.digests, from: source, now: now)
        if wanted.count >= before + Self.muchNews { openings = max(openings, 1) }
        if openings > 0 { nextComparison = min(nextComparison, now + .seconds(1)) }
        var actions = askForWanted(now: now)
        guard let next = answer.next, wanted.count < Self.maximumWanted / 4 else { return actions }
        let passed = query.passed + (next - from + ZoneSpecification.buckets) % ZoneSpecification.buckets
        guard next != from, passed < ZoneSpecification.buckets else { return actions }
        var more = self.query(.compare(register.allSums(), from: next), to: source, now: now)
        more.passed = passed
        actions.append(.ask(more, source))
        return actions
    }
}
