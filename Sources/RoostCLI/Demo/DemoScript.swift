// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// What the demo has shown so far, step by step.
struct DemoScript {
    struct Step: Encodable {
        var step: String
        /// Since the step before it.
        var seconds: Double
        var saw: String
    }

    private let prints: Bool
    private(set) var steps: [Step] = []
    private var last = ContinuousClock.now

    init(prints: Bool) {
        self.prints = prints
    }

    mutating func report(_ step: String, _ saw: String) {
        let now = ContinuousClock.now
        let seconds = (now - last) / .seconds(1)
        last = now
        steps.append(Step(step: step, seconds: seconds, saw: saw))
        if prints { Output.line("✓ \(step) (\(String(format: "%.2f", seconds)) s)\n    \(saw)") }
    }
}
