// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Simulator
internal import Synchronization

/// What `explore` has done so far, printed when it is over or somebody ends it. One line at a time, by whichever thread.
final class Tally: Sendable {
    private struct Counts {
        var runs = 0
        var failures = 0
        var events: UInt64 = 0
        var isPrinted = false
    }

    private let counts = Mutex(Counts())
    private let meter = RunMeter()

    /// A run that has ended, and what makes it again; printed where it violates something.
    func add(_ report: Report, _ arguments: String) {
        counts.withLock { counts in
            counts.runs += 1
            counts.events += report.events
            guard let violation = report.violations.first else { return }
            counts.failures += 1
            print("\(arguments): \(violation)")
            Output.flush()
        }
    }

    /// Prints the total; nothing comes after it.
    ///
    /// - Returns: how many runs violated something.
    func finish() -> Int {
        counts.withLock { counts in
            if !counts.isPrinted {
                print("seeds \(counts.runs), violations \(counts.failures)")
                Output.flush()
                Output.note(meter.text(events: counts.events))
            }
            counts.isPrinted = true
            return counts.failures
        }
    }

    /// In the middle of a run, which does not count. By the convention of shells the status names the signal.
    func end(by signal: Int32) -> Never {
        _ = finish()
        _exit(128 + signal)
    }
}
