// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Every state in which a crash may leave a recorded run: after each of its changes, with what was not certain yet there,
/// not there, and there in parts. Equal states in which the program has said the same come once.
///
/// Memory: the recorded disk, and 40 bytes a state.
public struct CrashStates: Sequence, IteratorProtocol {
    /// What a crash may have left.
    public struct State: Sendable {
        /// How many changes had been made.
        public var after: Int
        /// The last change before it.
        public var change: DiskChange
        /// What became of that which was not certain.
        public var chance: DiskImage.Chance
        /// What is there.
        public var image: DiskImage
        /// What the program had said.
        public var marks: [String]
    }

    private let changes: [DiskChange]
    private let seed: UInt64
    private let chances: Int
    private var disk: RecordedDisk
    private var made = 0
    private var kinds: [DiskImage.Chance] = []
    private var seen: Set<Digest256> = []
    private var said = 0

    /// - Parameters:
    ///   - changes: as recorded below `root`.
    ///   - root: the folder that was there when the record began.
    ///   - seed: of what is there by chance.
    ///   - chances: how many states by chance after each change, beside the four that are always there.
    public init(of changes: [DiskChange], below root: String, seed: UInt64, chances: Int) {
        self.changes = changes
        self.seed = seed
        self.chances = chances
        disk = RecordedDisk(root: root)
    }

    /// The next one; nil when the record is at its end.
    public mutating func next() -> State? {
        while true {
            if kinds.isEmpty, !advance() { return nil }
            let chance = kinds.removeFirst()
            let image = DiskImage(disk, chance)
            guard seen.insert(image.digest).inserted else { continue }
            return State(after: made, change: changes[made - 1], chance: chance, image: image, marks: disk.marks)
        }
    }

    private mutating func advance() -> Bool {
        guard made < changes.count else { return false }
        disk.apply(changes[made])
        if disk.marks.count > said {
            // What was fine before something was acknowledged may not be any more.
            said = disk.marks.count
            seen = []
        }
        kinds = [.all, .none, .namesOnly, .bytesOnly]
        for number in 0..<chances {
            kinds.append(.some(seed &* 1_000_003 &+ UInt64(made) &* 64 &+ UInt64(number)))
        }
        made += 1
        return true
    }

    /// What programs see when all of it has happened.
    public static func end(of changes: [DiskChange], below root: String) -> DiskImage {
        var disk = RecordedDisk(root: root)
        for change in changes { disk.apply(change) }
        return DiskImage(disk, .all)
    }
}
