// SPDX-License-Identifier: Apache-2.0
import Feeds
import Testing

@Suite struct ReleaseLabelTests {
    @Test(
        "S0-24: labels order by their numbers, not as text",
        arguments: [
            ("1.2.9", "1.2.10"), ("1.2", "1.2.0"), ("9", "10"), ("1.2.3-rc.1", "1.2.3"), ("1.2.3-rc.2", "1.2.3-rc.10"),
            ("1.0.0-alpha", "1.0.0-alpha.1"), ("1.0.0-alpha.1", "1.0.0-alpha.beta"), ("1.0.0-beta.11", "1.0.0-rc.1"),
            ("v1.9", "1.10"), ("99999999999999999998", "99999999999999999999"), ("1.2.4", "9.9.9"), ("007", "8"),
        ]
    )
    func order(left: String, right: String) {
        #expect(ReleaseLabel.precedes(left, right))
        #expect(!ReleaseLabel.precedes(right, left))
    }

    @Test("labels that differ only in zeros, a leading v or build words are of one rank")
    func sameRank() {
        for (left, right) in [("1.2.3", "v1.2.3"), ("1.02", "1.2"), ("1.2+build.7", "1.2+build.8"), ("", "")] {
            #expect(!ReleaseLabel.precedes(left, right))
            #expect(!ReleaseLabel.precedes(right, left))
        }
    }

    @Test("a label fits an address and a line")
    func validity() {
        for label in ["1.2.3", "Frühling", "draft 2", String(repeating: "a", count: 64)] {
            #expect(ReleaseLabel.isValid(label))
        }
        for label in ["", " a", "a ", "a/b", "a@b", "a#b", "a\nb", String(repeating: "a", count: 65)] {
            #expect(!ReleaseLabel.isValid(label))
        }
    }
}
