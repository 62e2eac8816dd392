// SPDX-License-Identifier: Apache-2.0
internal import CAllocations

/// One thing to measure: `body` does it `count` times over.
struct Benchmark {
    let name: String
    /// Operations in one call of the body.
    let count: Int
    let body: () -> Void

    init(_ name: String, count: Int = 1, _ body: @escaping () -> Void) {
        self.name = name
        self.count = count
        self.body = body
    }

    /// A round lasts about so long.
    private static let roundTime = Duration.milliseconds(20)

    /// Runs it once to warm up, finds how often it fits into a round, then takes `rounds` of them.
    func measure(rounds: Int) -> Measurement {
        let clock = ContinuousClock()
        body()
        let once = clock.measure(body)
        let calls = max(1, Int(Self.roundTime / max(once, .nanoseconds(1))))
        var times: [Double] = []
        var allocations: [Double] = []
        for _ in 0..<rounds {
            let before = roost_allocation_count()
            let time = clock.measure { for _ in 0..<calls { body() } }
            let operations = Double(calls * count)
            allocations.append(Double(roost_allocation_count() - before) / operations)
            times.append(time / .nanoseconds(1) / operations)
        }
        return Measurement(
            name: name,
            nanoseconds: times.sorted()[rounds / 2],
            allocations: allocations.sorted()[rounds / 2]
        )
    }
}

/// What one operation costs.
struct Measurement {
    let name: String
    let nanoseconds: Double
    let allocations: Double

    static let heading = pad("operation", 58) + "ns".leftPadded(to: 12) + "allocations".leftPadded(to: 14)

    var line: String {
        Self.pad(name, 58) + Self.text(nanoseconds).leftPadded(to: 12) + Self.text(allocations).leftPadded(to: 14)
    }

    var json: String {
        #"{"bench": "micro", "what": "\#(name)", "ns": \#(Self.text(nanoseconds)), "allocations": \#(Self.text(allocations))}"#
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    /// Two digits after the point, without Foundation.
    private static func text(_ value: Double) -> String {
        let hundredths = Int((value * 100).rounded())
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    }
}

extension String {
    fileprivate func leftPadded(to width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}

/// Keeps the compiler from leaving out what nobody looks at.
@inline(never)
func keep<Value>(_ value: borrowing Value) {}
