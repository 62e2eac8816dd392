// SPDX-License-Identifier: Apache-2.0

/// Finds the largest datagram that a path carries (RFC 8899, within what BEP 29 allows): packets of data double as probes.
///
/// Ordinary packets have the largest size known to pass. A probe is larger and must not be fragmented; the first has the
/// largest size in question, for most paths carry it, then the interval is halved. A lost probe is no sign of congestion. It
/// is sent again as it was, because packets cannot be cut anew, but then it may be fragmented.
struct UTPPathMTU: Sendable {
    /// The search ends when so many bytes are in question.
    static let granularity = 16
    /// A size counts as too large when so many probes of it were lost: one may have been lost for another reason.
    static let attempts = 2

    private let smallest: Int
    private let largest: Int
    /// Bytes of UDP payload that are known to pass.
    private(set) var floor: Int
    private var ceiling: Int
    private var lost = 0
    private(set) var isProbing = false

    /// `largest`: bytes of UDP payload that the link and the other side take.
    init(smallest: Int, largest: Int) {
        self.smallest = min(smallest, largest)
        self.largest = largest
        floor = self.smallest
        ceiling = largest
    }

    /// The size to probe next; nil while a probe is out or when nothing is in question.
    var nextProbe: Int? {
        guard !isProbing, ceiling - floor >= Self.granularity || (ceiling == largest && ceiling > floor) else {
            return nil
        }
        return ceiling == largest ? ceiling : (floor + ceiling + 1) / 2
    }

    mutating func probeSent() { isProbing = true }

    mutating func probePassed(_ size: Int) {
        isProbing = false
        lost = 0
        floor = max(floor, size)
    }

    /// `isCertain`: the system itself refused it.
    mutating func probeLost(_ size: Int, isCertain: Bool = false) {
        isProbing = false
        lost += 1
        guard isCertain || lost >= Self.attempts else { return }
        lost = 0
        ceiling = max(floor, min(ceiling, size - 1))
    }

    /// Nothing gets through any more: the path may have become narrower.
    mutating func startAnew() {
        floor = smallest
        ceiling = largest
        lost = 0
        isProbing = false
    }
}
