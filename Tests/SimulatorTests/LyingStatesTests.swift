// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Simulator

@Suite("What a lying disk leaves")
struct LyingStatesTests {
    private let changes: [DiskChange] = [
        .mark("begin"), .create(file: 1, path: "/r/a"), .write(file: 1, offset: 0, bytes: Array("old".utf8)),
        .sync(file: 1), .syncFolder("/r"), .write(file: 1, offset: 0, bytes: Array("new".utf8)), .sync(file: 1),
        .mark("said"),
    ]

    private func states(_ first: Int) -> [LyingStates.State] {
        (1...50 as ClosedRange<UInt64>).flatMap { seed in
            let states = LyingStates(of: changes, below: "/r", seed: seed)
            return (0..<states.count).map { states[$0] }
        }
        .filter { $0.liesFrom == first }
    }

    @Test("of each write four states; what was synced before the lies is there, and what was said since may be gone")
    func losses() {
        #expect(LyingStates(of: changes, below: "/r", seed: 1).count == 8)
        let ends = states(6).filter { $0.crash.after == changes.count }
        #expect(ends.allSatisfy { $0.crash.marks == ["begin", "said"] && $0.crash.image.files.count == 1 })
        #expect(Set(ends.map { $0.crash.image.files[0].bytes }) == [Array("old".utf8), Array("new".utf8)])
    }

    @Test("names are kept though their bytes are not")
    func names() {
        let ends = states(3).filter { $0.crash.after == changes.count }
        #expect(ends.contains { $0.crash.image.files.map(\.bytes) == [[]] })
        #expect(ends.allSatisfy { $0.crash.image.files.map(\.path) == ["/r/a"] })
    }

    @Test("an honest disk loses nothing that was synced before something was said")
    func honest() {
        for state in CrashStates(of: changes, below: "/r", seed: 1, chances: 20) where state.marks.contains("said") {
            #expect(state.image.files.map(\.bytes) == [Array("new".utf8)])
        }
    }
}
