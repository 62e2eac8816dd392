// SPDX-License-Identifier: Apache-2.0

/// Faults that the simulator switches on in a node to see that its invariants find them. Nothing else sets any.
package enum DHTDefect: String, Sendable, CaseIterable {
    /// An item older than one seen before is reported as the newest.
    case acceptsLowerSequence = "lower-sequence"
}

/// Defences that the simulator switches off, to see what each is good for (`roost-sim attacks`). Nothing else does.
package enum DHTDefence: String, Sendable, CaseIterable {
    /// Nodes whose id does not fit their address do not count in a search, and make room in the table (BEP 42).
    case boundIDs = "bound-ids"
    /// Few nodes of one network in a bucket of the table and in a search.
    case prefixDiversity = "prefixes"
    /// Searches for values go several ways that share no node (S/Kademlia).
    case disjointPaths = "paths"
    /// Queries answered for each network, and bytes for addresses that have proven nothing.
    case rateLimits = "rate-limits"
    /// Lists of peers for addresses that have proven nothing are kept short, items and filters counted.
    case replyLimits = "reply-limits"
    /// Announces and puts need a token of their address.
    case tokens = "tokens"
    /// Few nodes are taken from one answer.
    case answerLimits = "answer-limits"
    /// Items are taken with a signature that fits only.
    case signatures = "signatures"
    /// Items older than one seen before are not taken.
    case sequence = "sequence"
}
