// SPDX-License-Identifier: Apache-2.0

/// One of a session's queues: how full it is.
package struct SiteExchangeQueue {
    package let name: StaticString
    package let used: Int
    package let bound: Int
}

extension SiteExchangeSession {
    /// Key, head and entries of a sync, and what is asked with the handshake.
    private static let ownRequests = 4

    /// The first of its queues that is above its bound: always nil, unless a bound is not kept.
    package var overfullQueue: SiteExchangeQueue? {
        let open = SiteExchangeSpecification.openRequests
        if requests.count > open + Self.ownRequests {
            return SiteExchangeQueue(name: "open requests", used: requests.count, bound: open + Self.ownRequests)
        }
        if serving.count > open {
            return SiteExchangeQueue(name: "answers that wait for the store", used: serving.count, bound: open)
        }
        // Those that a busy peer refused wait again.
        let commands = SiteExchangeSpecification.waitingCommands + open
        guard waiting.count > commands else { return nil }
        return SiteExchangeQueue(name: "commands that wait", used: waiting.count, bound: commands)
    }
}
