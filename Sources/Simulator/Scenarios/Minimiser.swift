// SPDX-License-Identifier: Apache-2.0

/// Shrinks a failing run: fewer faults that still violate the same invariant.
public enum Minimiser {
    /// Tries to leave out each fault in turn, again and again until none can be left out.
    ///
    /// - Returns: the numbers to omit, and the last failing run; nil where the run does not fail.
    public static func minimise(
        _ scenario: any Scenario.Type,
        _ options: ScenarioOptions,
        tried: (Int) -> Void = { _ in }
    ) -> (omitted: Set<Int>, report: Report)? {
        var best = Scenarios.run(scenario, options)
        guard let invariant = best.violations.first?.invariant else { return nil }
        var options = options
        var changed = true
        while changed {
            changed = false
            for number in best.faults.indices where !options.omitted.contains(number) {
                var fewer = options
                fewer.omitted.insert(number)
                tried(number)
                let report = Scenarios.run(scenario, fewer)
                guard report.violations.first?.invariant == invariant else { continue }
                (options, best, changed) = (fewer, report, true)
            }
        }
        return (options.omitted, best)
    }
}
