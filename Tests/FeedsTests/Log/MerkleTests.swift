// SPDX-License-Identifier: Apache-2.0
import Feeds
import TestSupport
import Testing
import Wire

@Suite struct MerkleTests {
    private struct File: Decodable {
        struct Inclusion: Decodable {
            let index: Int
            let size: Int
            let proof: [String]
        }
        struct Consistency: Decodable {
            let old: Int
            let new: Int
            let proof: [String]
        }
        let leaves: [String]
        let roots: [String]
        let inclusion: [Inclusion]
        let consistency: [Consistency]
    }

    private static func digests(_ hex: [String]) -> [Digest256] { hex.compactMap { Digest256(hex: $0) } }

    private static func published() throws -> (file: File, tree: MerkleTree) {
        let file: File = try Vectors.json("merkle-log/tree.json")
        var tree = MerkleTree()
        for leaf in file.leaves { tree.append(leaf: LogHash.leaf(try #require(Hex.decode(leaf)))) }
        return (file, tree)
    }

    private static func tree(of size: Int) -> MerkleTree {
        var tree = MerkleTree()
        for index in 0..<size { tree.append(leaf: LogHash.leaf([UInt8(index & 255), UInt8(index >> 8)])) }
        return tree
    }

    @Test("RFC 9162 §2.1.1: the published roots of sizes 0 to 8, whole and by the frontier")
    func publishedRoots() throws {
        let (file, tree) = try Self.published()
        var frontier = MerkleFrontier()
        for (size, root) in Self.digests(file.roots).enumerated() {
            #expect(tree.root(at: size) == root)
            #expect(frontier.root == root)
            if let leaf = tree.leaf(at: size) { frontier.append(leaf: leaf) }
        }
        #expect(frontier.size == 8)
    }

    @Test("RFC 9162 §2.1.3 and §2.1.4: the published proofs are made and accepted")
    func publishedProofs() throws {
        let (file, tree) = try Self.published()
        for vector in file.inclusion {
            let proof = try #require(tree.inclusionProof(of: vector.index, in: vector.size))
            #expect(proof == Self.digests(vector.proof))
            #expect(Self.accepts(tree, vector.index, vector.size, proof))
        }
        for vector in file.consistency {
            let proof = try #require(tree.consistencyProof(from: vector.old, to: vector.new))
            #expect(proof == Self.digests(vector.proof))
            #expect(Self.accepts(tree, from: vector.old, to: vector.new, proof))
        }
    }

    @Test("every proof of every size up to 40 is accepted, and refused for any other place, size or root")
    func allProofs() throws {
        let tree = Self.tree(of: 40)
        for size in 1...40 {
            for index in 0..<size {
                let proof = try #require(tree.inclusionProof(of: index, in: size))
                #expect(Self.accepts(tree, index, size, proof))
                let root = try #require(tree.root(at: size))
                let leaf = try #require(tree.leaf(at: index))
                #expect(
                    index == size - 1
                        || !MerkleProof.verifiesInclusion(of: leaf, at: index + 1, size: size, root: root, proof: proof)
                )
                #expect(!MerkleProof.verifiesInclusion(of: .zero, at: index, size: size, root: root, proof: proof))
            }
            for old in 1...size {
                let proof = try #require(tree.consistencyProof(from: old, to: size))
                #expect(Self.accepts(tree, from: old, to: size, proof))
                guard !proof.isEmpty else { continue }
                var damaged = proof
                damaged[damaged.count - 1] = .zero
                #expect(!Self.accepts(tree, from: old, to: size, damaged))
                #expect(!Self.accepts(tree, from: old, to: size, Array(proof.dropLast())))
                #expect(!Self.accepts(tree, from: old, to: size, proof + [.zero]))
            }
        }
    }

    @Test("sizes and indexes that no tree has are refused, not trapped on")
    func impossibleSizes() {
        let tree = Self.tree(of: 3)
        #expect(tree.inclusionProof(of: 3, in: 3) == nil)
        #expect(tree.inclusionProof(of: -1, in: 3) == nil)
        #expect(tree.consistencyProof(from: 0, to: 3) == nil)
        #expect(tree.consistencyProof(from: 2, to: 4) == nil)
        let proof = [Digest256](repeating: .zero, count: 70)
        for (low, high) in [(0, 0), (-1, 5), (5, -1), (.min, .max), (.max, .max), (1, .max), (.max - 1, .max)] {
            #expect(!MerkleProof.verifiesInclusion(of: .zero, at: low, size: high, root: .zero, proof: proof))
            #expect(
                !MerkleProof.verifiesConsistency(from: low, root: .zero, to: high, root: LogHash.empty, proof: proof)
            )
        }
    }

    @Test("a truncated tree is the tree that was")
    func truncation() {
        for size in 0...20 {
            var tree = Self.tree(of: 20)
            tree.truncate(to: size)
            #expect(tree.size == size)
            #expect(tree.root == Self.tree(of: size).root)
            tree.append(leaf: .zero)
            var other = Self.tree(of: size)
            other.append(leaf: .zero)
            #expect(tree.root == other.root)
        }
    }

    private static func accepts(_ tree: MerkleTree, _ index: Int, _ size: Int, _ proof: [Digest256]) -> Bool {
        guard let leaf = tree.leaf(at: index), let root = tree.root(at: size) else { return false }
        return MerkleProof.verifiesInclusion(of: leaf, at: index, size: size, root: root, proof: proof)
    }

    private static func accepts(_ tree: MerkleTree, from old: Int, to new: Int, _ proof: [Digest256]) -> Bool {
        guard let oldRoot = tree.root(at: old), let newRoot = tree.root(at: new) else { return false }
        return MerkleProof.verifiesConsistency(from: old, root: oldRoot, to: new, root: newRoot, proof: proof)
    }
}
