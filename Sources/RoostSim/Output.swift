// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Simulator

/// Results go to standard output; what depends on the machine goes to standard error.
enum Output {
    static func write(_ report: Report, omitted: Set<Int> = []) {
        print("scenario \(report.scenario)")
        print("seed \(report.seed)")
        for (number, fault) in report.faults.enumerated() where !omitted.contains(number) {
            print("fault \(number) \(fault)")
        }
        for violation in report.violations { print(violation) }
        for figure in report.figures { print("\(figure.name) \(figure.value)") }
        print("trace \(report.trace)")
    }

    /// What was printed is out, whatever becomes of the process.
    static func flush() { fflush(nil) }

    static func note(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }
}

/// What a run cost on this machine.
struct RunMeter {
    private let began = ContinuousClock.now
    private let cpu = Self.cpuSeconds

    private static var usage: rusage {
        var usage = rusage()
        // SAFETY: getrusage fills the structure that it is given; it cannot fail for the own process.
        _ = unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage
    }

    private static var cpuSeconds: Double {
        let usage = usage
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }

    /// Linux counts kibibytes.
    private static var peakMebibytes: Int { usage.ru_maxrss / 1024 }

    func text(events: UInt64) -> String {
        let wall = began.duration(to: .now) / .seconds(1)
        let spent = Self.cpuSeconds - cpu
        return "cost: \(Self.rounded(wall)) s, \(Self.rounded(spent)) s of CPU, \(Self.peakMebibytes) MiB at most, "
            + "\(Int(Double(events) / max(spent, 0.001))) events a second of CPU"
    }

    private static func rounded(_ seconds: Double) -> String { String(format: "%.1f", seconds) }
}
