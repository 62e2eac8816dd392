// SPDX-License-Identifier: Apache-2.0

/// Something that goes wrong in a run, planned from its seed.
public struct Fault: Equatable, Sendable, CustomStringConvertible {
    /// From the run's beginning.
    public var time: Duration
    /// What happens.
    public var kind: Kind
    /// To whom, by ``Host/index``.
    public var host: Int

    /// Lengths of time are how long it lasts.
    public enum Kind: Equatable, Sendable {
        /// Off at once, on again after so long.
        case powerFailure(Duration)
        /// The host and every second other are cut off from the rest.
        case partition(Duration)
        /// The host hears only of those who mislead the others.
        case seclusion(Duration)
        /// Its line loses so many in a million.
        case badLine(Int, Duration)
        /// Its line carries so many bytes a second, both ways.
        case slowLine(Int, Duration)
        /// Its line doubles and holds back every fifth datagram, and takes up to 400 ms longer.
        case wildLine(Duration)
        /// Its wall clock jumps, mostly back.
        case clockJump(Duration)
        /// Its disk does something wrong.
        case disk(DiskFault)
    }

    /// `31.250 s host 3 partition(12.0 seconds)`.
    public var description: String { "\(VirtualTime(time)) host \(host) \(kind)" }
}

/// What a disk does wrong.
public enum DiskFault: Equatable, Sendable {
    /// Writes fail for want of room, for a while.
    case full
    /// Reads, writes and syncs fail, for a while.
    case failing
    /// Power fails in the middle of a write: parts of what was written since the last sync are there.
    case torn
    /// A sync returns as if all were well though nothing was written, and then power fails.
    case lostSync
}
