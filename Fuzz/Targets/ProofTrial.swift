// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

@testable internal import Feeds

/// A log's tree, its proofs, and what somebody makes of them on the way (RFC 9162 §2.1).
struct ProofTrial {
    private let leaves: [Digest256]
    private var tree = MerkleTree()
    private let index: Int
    private let old: Int
    private let oldRoot: Digest256
    private let inclusion: [Digest256]
    private let consistency: [Digest256]

    private var size: Int { leaves.count }

    /// A tree's size, an index and an old size, two changes, and then numbers of the other side: wrong ones, such as an index that
    /// would take the same turns as the right one, and a proof of its own.
    static func samples() -> [[UInt8]] {
        let numbers: [[UInt8]] = [[10, 7], [2, 6], [3, 7], [253, 1, 7], [2, 254, 0], [252, 63, 7], [7, 252, 40]]
        return [[5, 2, 9, 1, 1], [1, 0, 1]] + numbers.map { [6, 2, 9, 0, 0] + $0 + [0, 0] }
            + [[6, 2, 9, 0, 0, 2, 7, 131, 1, 2, 3, 130, 4, 5]]
    }

    /// What the tree proves is proven, what was changed is not, and nothing is of numbers that are not the proof's own.
    static func run(_ bytes: [UInt8]) throws {
        var input = FuzzInput(bytes)
        let trial = try ProofTrial(&input)
        try hold(
            trial.includes(trial.inclusion) && trial.continues(trial.consistency),
            "what a tree proves is proven: \(trial.index), \(trial.old) of \(trial.size)"
        )
        try trial.spoil(&input)
        for _ in 0..<8 where !input.isAtEnd { try trial.misplace(&input) }
    }

    private init(_ input: inout FuzzInput) throws {
        let size = 1 + Int(input.byte()) % 40
        var frontier = MerkleFrontier()
        leaves = (0..<size).map { LogHash.leaf([UInt8($0)]) }
        for leaf in leaves {
            tree.append(leaf: leaf)
            frontier.append(leaf: leaf)
        }
        try hold(tree.root == frontier.root, "a tree and its right edge have one root")
        (index, old) = (Int(input.byte()) % size, 1 + Int(input.byte()) % size)
        guard let inclusion = tree.inclusionProof(of: index, in: size),
            let consistency = tree.consistencyProof(from: old, to: size), let oldRoot = tree.root(at: old)
        else { throw Broken(description: "a tree proves what it holds: \(index), \(old) of \(size)") }
        (self.inclusion, self.consistency, self.oldRoot) = (inclusion, consistency, oldRoot)
    }

    private func includes(_ proof: [Digest256]) -> Bool {
        MerkleProof.verifiesInclusion(of: leaves[index], at: index, size: size, root: tree.root, proof: proof)
    }

    private func continues(_ proof: [Digest256]) -> Bool {
        MerkleProof.verifiesConsistency(from: old, root: oldRoot, to: size, root: tree.root, proof: proof)
    }

    private func spoil(_ input: inout FuzzInput) throws {
        var (inclusion, consistency) = (inclusion, consistency)
        Self.change(&inclusion, &input)
        Self.change(&consistency, &input)
        try hold(inclusion == self.inclusion || !includes(inclusion), "a changed proof proves nothing")
        try hold(consistency == self.consistency || !continues(consistency), "a changed proof proves nothing")
    }

    private static func change(_ proof: inout [Digest256], _ input: inout FuzzInput) {
        switch input.choice(4) {
        case 1 where !proof.isEmpty: proof.removeLast()
        case 2: proof.insert(Hash.sha256(input.take(2)), at: Int(input.byte()) % (proof.count + 1))
        case 3 where !proof.isEmpty: proof[Int(input.byte()) % proof.count] = Hash.sha256(input.take(2))
        default: break
        }
    }

    /// Index and sizes come from the other side like the proof. With the signed root of the true size only the true place is
    /// proven; any other size is the signer's to state, and must do no harm.
    private func misplace(_ input: inout FuzzInput) throws {
        let (place, count) = (number(&input), number(&input))
        let (inclusion, consistency) = (stranger(inclusion, &input), stranger(consistency, &input))
        func isProven(of size: Int) -> Bool {
            MerkleProof.verifiesInclusion(of: leaves[index], at: place, size: size, root: tree.root, proof: inclusion)
        }
        func isContinued(to size: Int) -> Bool {
            let (root, proof) = (tree.root, consistency)
            return MerkleProof.verifiesConsistency(from: place, root: oldRoot, to: size, root: root, proof: proof)
        }
        try hold(!isProven(of: size) || place == index, "a leaf is proven where it is: \(place) of \(size)")
        try hold(!isContinued(to: size) || place == old, "a beginning is proven as long as it is: \(place) of \(size)")
        try hold(!isProven(of: count) || (0..<count).contains(place), "no leaf is beyond the end: \(place) of \(count)")
        try hold(
            !isContinued(to: count) || (1...max(1, count)).contains(place),
            "a beginning is no longer than the whole"
        )
    }

    /// One near the tree's own, or any.
    private func number(_ input: inout FuzzInput) -> Int {
        let choice = input.byte()
        switch choice {
        case 255: return Int(truncatingIfNeeded: input.long())
        case 254: return Int.max - Int(input.byte())
        case 253: return -1 - Int(input.byte())
        case 252: return 1 << (Int(input.byte()) % 64)
        default: return Int(choice)
        }
    }

    /// The proof as it is, or as many digests as the input says.
    private func stranger(_ proof: [Digest256], _ input: inout FuzzInput) -> [Digest256] {
        let count = Int(input.byte())
        return count < 128 ? proof : (128..<count).map { _ in Hash.sha256(input.take(1)) }
    }
}
