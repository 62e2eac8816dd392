// SPDX-License-Identifier: Apache-2.0

/// States that a power failure leaves of a recorded run on a disk that lies: from one of its writes on it says that bytes
/// are synced which are not, and power fails at some later time. For each write four: at the end of the run, and after a
/// change drawn from the seed, none of those bytes or any of them.
///
/// Memory: the record; a state is made when it is asked for, by playing the record from its beginning.
public struct LyingStates: Sendable {
    /// Where the lies begin, where power fails, and what the device had written by itself.
    private struct Plan: Sendable {
        var first: Int
        var end: Int
        var chance: DiskImage.Chance
    }

    /// The last state that is certain, and what is left.
    public struct State: Sendable {
        /// From this change on nothing was synced, counted from 1.
        public var liesFrom: Int
        /// What a crash left.
        public var crash: CrashStates.State
    }

    private let changes: [DiskChange]
    private let root: String
    private let plans: [Plan]

    /// - Parameters:
    ///   - changes: as recorded below `root`.
    ///   - root: the folder that was there when the record began.
    ///   - seed: of when power fails, and of what is there by chance.
    public init(of changes: [DiskChange], below root: String, seed: UInt64) {
        self.changes = changes
        self.root = root
        var random = RandomStream(seed: seed, "lies")
        // Before the program has said anything there is nothing to hold it to.
        let begun = (changes.firstIndex { if case .mark = $0 { true } else { false } } ?? changes.count) + 1
        var plans: [Plan] = []
        for (index, change) in changes.enumerated() where begun <= changes.count {
            guard case .write = change else { continue }
            let least = max(index + 1, begun)
            func later() -> Int { least + random.below(changes.count - least + 1) }
            plans.append(Plan(first: index + 1, end: changes.count, chance: .none))
            plans.append(Plan(first: index + 1, end: later(), chance: .namesOnly))
            plans.append(Plan(first: index + 1, end: changes.count, chance: .lying(random.next())))
            plans.append(Plan(first: index + 1, end: later(), chance: .lying(random.next())))
        }
        self.plans = plans
    }

    /// How many there are.
    public var count: Int { plans.count }

    /// One of them.
    public subscript(number: Int) -> State {
        let plan = plans[number]
        var disk = RecordedDisk(root: root)
        for (index, change) in changes.prefix(plan.end).enumerated() {
            disk.lies = index + 1 >= plan.first
            disk.apply(change)
        }
        let crash = CrashStates.State(
            after: plan.end,
            change: changes[plan.end - 1],
            chance: plan.chance,
            image: DiskImage(disk, plan.chance),
            marks: disk.marks
        )
        return State(liesFrom: plan.first, crash: crash)
    }
}
