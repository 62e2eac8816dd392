// SPDX-License-Identifier: Apache-2.0

/// Faults that the simulator switches on in a session to see that its invariants find them. Nothing else sets any.
package enum SessionDefect: String, Sendable, CaseIterable {
    /// A piece that does not match its hash is announced and offered.
    case servesUnverified = "unverified-block"
    /// What peers ask for is remembered without a bound.
    case unboundedQueue = "unbounded-queue"
    /// The timer is set once and then no more.
    case droppedTimer = "dropped-timer"
}
