// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@testable import Simulator

@Suite struct ScenarioTests {
    @Test("what is printed as the same run again names all of its options")
    func arguments() {
        var options = ScenarioOptions(origin: .now)
        #expect(options.arguments(for: "eclipse") == "eclipse --seed 1")
        (options.nodes, options.seed, options.defect) = (40, 7, "user-name")
        (options.without, options.omitted) = (["prefixes", "paths"], [3, 1])
        #expect(
            options.arguments(for: "eclipse")
                == "eclipse --nodes 40 --seed 7 --defect user-name --without paths --without prefixes --omit 1 --omit 3"
        )
    }

    @Test("a world whose run has ended goes, with its hosts and programs, which hold each other")
    func leak() async {
        let isGone = await onOwnThread {
            var options = ScenarioOptions(origin: .now)
            options.nodes = 16
            weak var host: Host?
            do {
                let course = DHTShort(options)
                _ = Scenarios.run(course, options)
                host = course.world.hosts.first
                guard host != nil else { return false }
            }
            return host == nil
        }
        #expect(isGone)
    }
}
