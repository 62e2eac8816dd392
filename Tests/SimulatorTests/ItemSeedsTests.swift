// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Simulator

/// Runs that once violated something, whole or without the faults that they did not need.
@Suite struct ItemSeedsTests {
    @Test(
        "an item put while the network was parted is found by all when it has healed (dht-items)",
        arguments: [(945, [0, 1, 2, 4]), (375, []), (867, []), (294, [0, 2, 4])] as [(UInt64, Set<Int>)]
    )
    func healed(seed: UInt64, omitted: Set<Int>) {
        var options = ScenarioOptions(origin: .now)
        options.seed = seed
        options.omitted = omitted
        let report = Scenarios.run(DHTItems.self, options)
        #expect(report.violations.isEmpty)
    }
}
