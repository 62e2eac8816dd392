// SPDX-License-Identifier: Apache-2.0

/// What can be wrong with a disk; what lies on it is its kind's own.
class SimulatedDisk {
    /// Writes fail for want of room.
    var isFull = false
    /// Reads, writes and syncs fail.
    var isFailing = false
    /// It says that it has synced, and has not: what was written meanwhile goes when power fails.
    var losesSyncs = false
    /// Power fails in the middle of the next write: then this is called, and of the write a part is there.
    var onTear: (() -> Void)?
    /// What a torn write and a failure of power leave.
    var random: RandomStream

    init(random: RandomStream) {
        self.random = random
    }

    var takesWrites: Bool { !isFull && !isFailing }

    /// Whether the write at hand is the one that power fails in.
    func tears() -> Bool {
        guard let tear = onTear else { return false }
        onTear = nil
        tear()
        return true
    }
}

extension World {
    private static let trouble = Duration.seconds(20)

    /// Does to a disk what a fault says. `failPower` is of its host, for so long; `recovered` is called when it takes
    /// writes again.
    func befall(
        _ disk: SimulatedDisk,
        _ fault: DiskFault,
        failPower: @escaping (Duration) -> Void,
        recovered: @escaping () -> Void = {}
    ) {
        switch fault {
        case .full:
            disk.isFull = true
            plan(after: Self.trouble) {
                disk.isFull = false
                recovered()
            }
        case .failing:
            disk.isFailing = true
            plan(after: Self.trouble) {
                disk.isFailing = false
                recovered()
            }
        case .torn:
            // At the same time, and after what is being done.
            disk.onTear = { [self] in plan(after: .zero) { failPower(.seconds(1)) } }
            plan(after: Self.trouble) { _ = disk.tears() }
        case .lostSync:
            disk.losesSyncs = true
            plan(after: .seconds(5)) {
                failPower(.seconds(5))
                disk.losesSyncs = false
            }
        }
    }
}
