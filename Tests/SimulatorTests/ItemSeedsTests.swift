// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@testable import Simulator

/// Runs that once violated something, whole or without the faults that they did not need.
///
/// What happens in them has changed with the world: on 21 November 2026 they passed also with the burst of questions and the
/// early repeats of decision 0016 taken out. Those are held by `RepublishTests`, each by a test that fails without it; these runs
/// are further seeds.
@Suite struct ItemSeedsTests {
    @Test(
        "an item put while the network was parted is found by all when it has healed (dht-items)",
        arguments: [(945, [0, 1, 2, 4]), (375, []), (867, []), (294, [0, 2, 4])] as [(UInt64, Set<Int>)]
    )
    func healed(seed: UInt64, omitted: Set<Int>) async {
        let report = await onOwnThread {
            var options = ScenarioOptions(origin: .now)
            (options.seed, options.omitted) = (seed, omitted)
            return Scenarios.run(DHTItems.self, options)
        }
        #expect(report.violations.isEmpty)
    }
}
