// SPDX-License-Identifier: Apache-2.0

/// Faults that the simulator switches on in a node to see that its invariants find them. Nothing else sets any.
package enum DHTDefect: String, Sendable, CaseIterable {
    /// An item older than one seen before is reported as the newest.
    case acceptsLowerSequence = "lower-sequence"
}
