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

    /// `31.250 s host 3: power fails for 12 s`.
    public var description: String { "\(VirtualTime(time)) host \(host): \(kind.words)" }

    /// What the trace of a run has of it, as Swift writes the case: any other words would be another trace of every seed.
    var record: String { "\(VirtualTime(time)) host \(host) \(kind)" }
}

extension Fault.Kind {
    /// As a sentence without its subject.
    fileprivate var words: String {
        switch self {
        case .powerFailure(let length): "power fails for \(length.words)"
        case .partition(let length): "is parted from about half of the others for \(length.words)"
        case .seclusion(let length): "hears for \(length.words) only of those who mislead it"
        case .badLine(let loss, let length): "its line loses \(loss / 10_000) % for \(length.words)"
        case .slowLine(let rate, let length): "its line carries \(rate / 1000) kB a second for \(length.words)"
        case .wildLine(let length): "its line doubles and holds back datagrams for \(length.words)"
        case .clockJump(let jump) where jump < .zero: "its wall clock jumps back by \((.zero - jump).words)"
        case .clockJump(let jump): "its wall clock jumps forward by \(jump.words)"
        case .disk(.full): "its disk is full for a while"
        case .disk(.failing): "its disk neither reads nor writes for a while"
        case .disk(.torn): "power fails in the middle of a write to its disk"
        case .disk(.lostSync): "its disk says that it has synced, has not, and power fails"
        }
    }
}

extension Duration {
    fileprivate var words: String { "\(components.seconds) s" }
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
