// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// What came of one topic's vectors.
struct ConformanceResult: Encodable, Sendable {
    let topic: String
    private(set) var passed = 0
    private(set) var failed = 0
    private(set) var notApplicable = 0
    /// What was expected and what came instead, one line a failure; the first ``maximumLines``.
    private(set) var failures: [String] = []
    /// Why vectors do not apply; the first ``maximumLines``.
    private(set) var notes: [String] = []

    static let maximumLines = 50

    init(topic: String) { self.topic = topic }

    /// Counts one vector.
    mutating func check(_ name: String, _ holds: Bool, _ otherwise: @autoclosure () -> String = "does not hold") {
        if holds {
            passed += 1
        } else {
            failed += 1
            if failures.count < Self.maximumLines { failures.append("\(name): \(otherwise())") }
        }
    }

    /// Counts one vector that compares a value with the expected one.
    mutating func check<Value: Equatable>(_ name: String, _ value: Value, is expected: Value) {
        check(name, value == expected, "expected \(expected), got \(value)")
    }

    /// Counts vectors that say nothing about this program.
    mutating func skip(_ name: String, _ count: Int = 1, because reason: String) {
        notApplicable += count
        if notes.count < Self.maximumLines { notes.append("\(name): \(reason)") }
    }
}

/// What `roost conformance` prints.
struct ConformanceReport: Encodable, Sendable {
    let topics: [ConformanceResult]
    let passed: Int
    let failed: Int
    let notApplicable: Int

    init(_ topics: [ConformanceResult]) {
        self.topics = topics
        passed = topics.reduce(0) { $0 + $1.passed }
        failed = topics.reduce(0) { $0 + $1.failed }
        notApplicable = topics.reduce(0) { $0 + $1.notApplicable }
    }

    var text: String {
        let width = topics.map(\.topic.count).max() ?? 0
        var lines: [String] = []
        for topic in topics {
            let name = topic.topic.padding(toLength: width, withPad: " ", startingAt: 0)
            lines.append(
                "\(name)  \(topic.passed) passed  \(topic.failed) failed  \(topic.notApplicable) not applicable"
            )
            lines += topic.failures.map { "  failed: \($0)" }
        }
        lines.append("\(passed) passed, \(failed) failed, \(notApplicable) not applicable")
        return lines.joined(separator: "\n")
    }
}
