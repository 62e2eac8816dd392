// SPDX-License-Identifier: Apache-2.0

/// Something that goes wrong in a run, planned from its seed.
public struct Fault: Equatable, Sendable, CustomStringConvertible {
    /// From the run's beginning.
    public var time: Duration
    public var kind: Kind
    public var host: Int

    public enum Kind: Equatable, Sendable {
        /// Off at once, on again after so long.
        case powerFailure(Duration)
        /// The host and every second other are cut off from the rest for so long.
        case partition(Duration)
        /// Its line loses so many in a million for so long.
        case badLine(Int, Duration)
        /// Its wall clock jumps.
        case clockJump(Duration)
        case disk(DiskFault)
    }

    public var description: String { "\(VirtualTime(time)) host \(host) \(kind)" }
}

/// What a disk does wrong at one write.
public enum DiskFault: Equatable, Sendable {
    /// The write fails for want of room.
    case full
    /// Power fails in the middle: a part of what was written since the last sync is there.
    case torn
    /// A sync returns though nothing was written, and then power fails.
    case lostSync
}
